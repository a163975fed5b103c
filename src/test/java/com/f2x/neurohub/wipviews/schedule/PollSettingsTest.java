package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PollSettingsTest {

  @ParameterizedTest
  @CsvSource({
    "PT1S,  PT0.2S, PT1S",
    "PT30S, PT0.5S, PT2.5S",
    "PT2M,  PT2S,   PT10S",
    "PT15M, PT5S,   PT10S"
  })
  void the_pace_follows_from_the_interval_within_bounds(
      Duration interval, Duration polling, Duration heartbeat) {
    assertThat(PollSettings.of(interval)).isEqualTo(new PollSettings(polling, heartbeat));
  }

  @ParameterizedTest
  @CsvSource({"PT12S", "PT30S", "PT2M", "PT15M"})
  void a_dead_instance_is_found_within_the_interval(Duration interval) {
    PollSettings pace = PollSettings.of(interval);

    // the last sign of life may be one heartbeat old, and who looks, looks every second one
    assertThat(pace.heartbeat().multipliedBy(PollSettings.MISSED_HEARTBEATS + 2))
        .isLessThanOrEqualTo(interval);
    assertThat(pace.answer())
        .isLessThan(pace.heartbeat().multipliedBy(PollSettings.MISSED_HEARTBEATS));
  }
}
