package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurationImportFilter;
import org.springframework.core.io.support.SpringFactoriesLoader;

/** Where our auto-configurations are left out; src/it/spring-boot-3 is such a service. */
class SpringBootVersionFilterTest {

  @ParameterizedTest
  @CsvSource({"2.7.18, false", "3.4.13, false", "3.5.16, false", "4.0.0, true", "10.0.0, true"})
  void ours_are_left_out_before_spring_boot_4_and_others_never(String version, boolean ours) {
    String[] names = {WipViewsHttpAutoConfiguration.class.getName(), null, "com.example.Other"};

    assertThat(new SpringBootVersionFilter(version).match(names, null))
        .containsExactly(ours, true, true);
  }

  @Test
  void spring_boot_knows_the_filter() {
    assertThat(
            SpringFactoriesLoader.forDefaultResourceLocation()
                .load(AutoConfigurationImportFilter.class))
        .hasAtLeastOneElementOfType(SpringBootVersionFilter.class);
  }
}
