package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.jooq.DefaultSchema;
import java.util.List;
import org.jooq.Table;
import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;

/**
 * What is found by name and not by code: the changelogs and view files, which Liquibase reads, the
 * parser that it loads, the records that jOOQ makes, and those that are answered as JSON.
 */
final class WipViewsRuntimeHints implements RuntimeHintsRegistrar {

  private static final String FOLDER = "com/f2x/neurohub/wipviews/";

  @Override
  public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
    hints
        .resources()
        .registerPattern(FOLDER + "changelog/**")
        .registerPattern(FOLDER + "views/**")
        .registerPattern("META-INF/services/liquibase.parser.LiquibaseSqlParser");
    hints
        .reflection()
        .registerType(
            TypeReference.of("com.f2x.neurohub.wipviews.internal.WholeStatementParser"),
            MemberCategory.INVOKE_DECLARED_CONSTRUCTORS);
    for (Class<?> row : List.of(Refresh.class, Freshness.class)) {
      hints.reflection().registerType(row, MemberCategory.INVOKE_DECLARED_METHODS);
    }
    for (Table<?> table : DefaultSchema.DEFAULT_SCHEMA.getTables()) {
      hints
          .reflection()
          .registerType(
              table.getRecordType(),
              MemberCategory.INVOKE_DECLARED_CONSTRUCTORS,
              MemberCategory.INVOKE_PUBLIC_METHODS);
    }
  }
}
