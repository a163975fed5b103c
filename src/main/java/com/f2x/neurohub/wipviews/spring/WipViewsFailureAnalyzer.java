package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.WipViewsException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/**
 * What Spring Boot prints in place of a stack trace when a service does not start because of us:
 * what is wrong, and what to do. If no remedy is known, the stack trace stays.
 */
final class WipViewsFailureAnalyzer extends AbstractFailureAnalyzer<WipViewsException> {

  @Override
  protected @Nullable FailureAnalysis analyze(Throwable rootFailure, WipViewsException cause) {
    return cause
        .remedy()
        .map(remedy -> new FailureAnalysis(cause.getMessage(), remedy, cause))
        .orElse(null);
  }
}
