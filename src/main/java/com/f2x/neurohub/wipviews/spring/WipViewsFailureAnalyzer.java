package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.NotDeployedException;
import com.f2x.neurohub.wipviews.WipViewsException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.util.ClassUtils;

/**
 * What Spring Boot prints in place of a stack trace when a service does not start because of us:
 * what is wrong, and what to do. If no remedy is known, the stack trace stays.
 */
final class WipViewsFailureAnalyzer extends AbstractFailureAnalyzer<WipViewsException> {

  private static final String LIQUIBASE =
      "org.springframework.boot.liquibase.autoconfigure.LiquibaseAutoConfiguration";

  @Override
  protected @Nullable FailureAnalysis analyze(Throwable rootFailure, WipViewsException cause) {
    return cause
        .remedy()
        .map(remedy -> new FailureAnalysis(cause.getMessage(), starter(cause) + remedy, cause))
        .orElse(null);
  }

  /** Liquibase itself is there, since this library brings it. */
  private static String starter(WipViewsException cause) {
    return cause instanceof NotDeployedException
            && !ClassUtils.isPresent(LIQUIBASE, WipViewsFailureAnalyzer.class.getClassLoader())
        ? "Spring Boot 4 runs no changelog without the dependency spring-boot-starter-liquibase,"
            + " which is missing here: add it. Or deploy by other means: "
        : "";
  }
}
