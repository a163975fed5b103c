package com.f2x.neurohub.wipviews.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FormatsTest {

  @ParameterizedTest
  @CsvSource({
    "PT0S, just now",
    "PT0.999S, just now",
    "PT1S, 1 s ago",
    "PT59.9S, 59 s ago",
    "PT1M, 1 min ago",
    "PT2M, 2 min ago",
    "PT119M59S, 119 min ago",
    "PT2H, 2 h ago",
    "PT47H59M, 47 h ago",
    "PT48H, 2 days ago",
    "PT72H, 3 days ago"
  })
  void an_age_is_said_in_its_largest_unit(Duration age, String words) {
    assertThat(Formats.ago(age)).isEqualTo(words);
  }

  @Test
  void no_age_is_never() {
    assertThat(Formats.ago(null)).isEqualTo("never");
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S, 0 ms",
    "PT0.0004S, <1 ms",
    "PT0.0859S, 85 ms",
    "PT1S, 1 s",
    "PT1.25S, 1.2 s",
    "PT59.999S, 59.9 s",
    "PT1M, 1 min",
    "PT20M, 20 min",
    "PT1H, 1 h",
    "PT2M5S, 2 min 5 s",
    "PT2H5M, 2 h 5 min",
    "PT24H, 1 d",
    "PT27H30M, 1 d 3 h"
  })
  void a_duration_is_said_in_its_largest_units(Duration duration, String words) {
    assertThat(Formats.duration(duration)).isEqualTo(words);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 bytes",
    "8192, 8192 bytes",
    "10240, 10 kB",
    "49152, 48 kB",
    "26214400, 25 MB",
    "5368709120, 5120 MB",
    "53687091200, 50 GB"
  })
  void a_size_is_said_as_pg_size_pretty_does(long bytes, String words) {
    assertThat(Formats.size(bytes)).isEqualTo(words);
  }

  @Test
  void no_figure_is_a_dash() {
    assertThat(Formats.duration(null)).isEqualTo("-");
    assertThat(Formats.size(null)).isEqualTo("-");
    assertThat(Formats.count(null)).isEqualTo("-");
  }

  @Test
  void a_count_is_said_with_its_noun() {
    assertThat(Formats.count(30_000)).isEqualTo("30,000");
    assertThat(Formats.count(1, "read")).isEqualTo("1 read");
    assertThat(Formats.count(5_013, "read")).isEqualTo("5,013 reads");
  }
}
