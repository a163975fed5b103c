package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.aot.hint.predicate.RuntimeHintsPredicates.reflection;
import static org.springframework.aot.hint.predicate.RuntimeHintsPredicates.resource;

import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.jooq.Tables;
import org.junit.jupiter.api.Test;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.core.io.support.SpringFactoriesLoader;

/** What a service that is compiled ahead of time has to keep. */
class WipViewsRuntimeHintsTest {

  @Test
  void spring_keeps_changelogs_views_and_generated_records() {
    RuntimeHints hints = new RuntimeHints();
    SpringFactoriesLoader.forResourceLocation("META-INF/spring/aot.factories")
        .load(RuntimeHintsRegistrar.class)
        .stream()
        .filter(WipViewsRuntimeHints.class::isInstance)
        .forEach(registrar -> registrar.registerHints(hints, getClass().getClassLoader()));

    String folder = "com/f2x/neurohub/wipviews/";
    for (String file :
        new String[] {
          "changelog/db.changelog-root.yaml",
          "changelog/engine/refresh/order.sql",
          "views/wip_views/01_mv_wip_status_dashboard.sql"
        }) {
      assertThat(getClass().getClassLoader().getResource(folder + file)).isNotNull();
      assertThat(resource().forResource(folder + file)).accepts(hints);
    }
    assertThat(
            reflection()
                .onType(Tables.MV_PROCESS_WIP_QUEUE.getRecordType())
                .withMemberCategory(MemberCategory.INVOKE_DECLARED_CONSTRUCTORS))
        .accepts(hints);
    assertThat(
            reflection()
                .onType(Refresh.class)
                .withMemberCategory(MemberCategory.INVOKE_DECLARED_METHODS))
        .accepts(hints);
  }
}
