package com.f2x.neurohub.wipviews.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A case that costs several deploys, of a behaviour that the test command sees in a cheaper one. It
 * runs with {@code -Dtest.variants=all}, as before every change lands, and when it is named by
 * {@code -Dtest=}; the test command counts it as skipped.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(Thorough.Condition.class)
public @interface Thorough {

  /** Whether it runs. */
  final class Condition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return Variants.ALL || System.getProperty("test") != null
          ? ConditionEvaluationResult.enabled("every case was asked for")
          : ConditionEvaluationResult.disabled("runs with -Dtest.variants=all");
    }
  }
}
