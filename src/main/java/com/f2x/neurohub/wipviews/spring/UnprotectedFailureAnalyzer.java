package com.f2x.neurohub.wipviews.spring;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** What Spring Boot prints in place of a stack trace when the service does not start. */
final class UnprotectedFailureAnalyzer extends AbstractFailureAnalyzer<UnprotectedException> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, UnprotectedException cause) {
    return new FailureAnalysis(
        "wip-views.http.enabled is true, and anybody may call POST "
            + cause.path()
            + ": there is no Spring Security, or no SecurityFilterChain of it asks who calls"
            + " there.",
        "Add spring-boot-starter-security, and a SecurityFilterChain that demands a role for "
            + cause.path()
            + ". If something in front of this service protects it, set"
            + " wip-views.http.allow-unprotected to true. If it is not needed, set"
            + " wip-views.http.enabled to false.",
        cause);
  }
}
