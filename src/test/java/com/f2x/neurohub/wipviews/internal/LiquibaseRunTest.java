package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a version of Liquibase cannot do, it is not asked for. */
class LiquibaseRunTest {

  @ParameterizedTest
  @ValueSource(strings = {"5.0.2", "5.0.4", "5.1.0", "6.0.0"})
  void a_comma_in_a_schema_is_refused_from_5_0_2(String version) {
    assertThatExceptionOfType(Refusal.class)
        .isThrownBy(() -> LiquibaseRun.refuseComma("a,b", version))
        .withMessage(
            "Liquibase " + version + " cannot deploy to a schema with a comma in its name: a,b");
    assertThatNoException().isThrownBy(() -> LiquibaseRun.refuseComma("ab", version));
  }

  @ParameterizedTest
  @ValueSource(strings = {"4.29.2", "4.33.0", "5.0.0", "5.0.1", "DEV"})
  void earlier_ones_can_have_it(String version) {
    assertThatNoException().isThrownBy(() -> LiquibaseRun.refuseComma("a,b", version));
  }
}
