package com.f2x.neurohub.wipviews.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Policy;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * When a policy and a cron expression fire: by the clocks of their zone, on every day of a year.
 */
class CronTimesTest {

  private static final ZoneId SEOUL = ZoneId.of("Asia/Seoul");

  private static final Duration QUARTER = Duration.ofMinutes(15);

  private static CronTimes schedule(Policy policy, ZoneId zone) {
    return CronTimes.of(policy.crons(), zone);
  }

  @ParameterizedTest
  @CsvSource({
    "2026-03-02T05:45, 2026-03-02T06:00",
    "2026-03-02T05:59:59, 2026-03-02T06:00",
    "2026-03-02T06:00, 2026-03-02T06:02",
    "2026-03-02T12:00:00.123456789, 2026-03-02T12:02",
    "2026-03-02T22:57, 2026-03-02T22:58",
    "2026-03-02T22:58, 2026-03-02T23:00",
    "2026-03-02T23:00, 2026-03-02T23:15",
    "2026-03-02T23:45, 2026-03-03T00:00",
    "2026-03-03T00:00, 2026-03-03T00:15"
  })
  void production_is_every_2_minutes_by_day_and_15_by_night(
      LocalDateTime after, LocalDateTime next) {
    assertThat(schedule(Policy.PRODUCTION, SEOUL).after(after.atZone(SEOUL).toInstant()))
        .isEqualTo(next.atZone(SEOUL).toInstant());
  }

  @Test
  void development_is_every_5_minutes_at_all_hours() {
    List<Instant> times =
        times(
            schedule(Policy.DEVELOPMENT, SEOUL),
            Instant.parse("2026-03-02T00:00:00Z"),
            Instant.parse("2026-03-03T00:00:00Z"));

    assertThat(times).hasSize(24 * 12);
    assertThat(gaps(times)).containsOnly(Duration.ofMinutes(5));
  }

  @Test
  void on_demand_is_never() {
    assertThat(Policy.ON_DEMAND.crons()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"})
  void no_quarter_is_left_out_or_doubled_when_clocks_change(String name) {
    ZoneId zone = ZoneId.of(name);
    Instant from = Instant.parse("2026-01-01T00:00:00Z");
    for (int change = 0; change < 2; change++) {
      ZoneOffsetTransition transition = zone.getRules().nextTransition(from);
      from = transition.getInstant();

      List<Instant> times =
          times(
              schedule(Policy.PRODUCTION, zone),
              from.minus(Duration.ofHours(1)),
              from.plus(Duration.ofHours(1)));

      assertThat(gaps(times)).as("%s", transition).containsOnly(QUARTER);
    }
  }

  @Test
  void production_hours_move_with_the_clocks() {
    ZoneId berlin = ZoneId.of("Europe/Berlin");
    CronTimes production = schedule(Policy.PRODUCTION, berlin);

    // 29 March 2026: from +01:00 to +02:00
    assertThat(production.after(Instant.parse("2026-03-28T04:50:00Z")))
        .isEqualTo("2026-03-28T05:00:00Z");
    assertThat(production.after(Instant.parse("2026-03-28T05:00:00Z")))
        .isEqualTo("2026-03-28T05:02:00Z");
    assertThat(production.after(Instant.parse("2026-03-29T04:00:00Z")))
        .isEqualTo("2026-03-29T04:02:00Z");
  }

  @Test
  void a_dead_instance_is_replaced_within_each_interval() {
    for (Policy policy : List.of(Policy.PRODUCTION, Policy.DEVELOPMENT)) {
      Duration interval = schedule(policy, SEOUL).shortestInterval(Instant.EPOCH);
      PollSettings pace = PollSettings.of(interval);

      // the last heartbeat of the dead one, the next look of a living one, and its next poll
      Duration replaced =
          pace.heartbeat().multipliedBy(PollSettings.MISSED_HEARTBEATS + 2).plus(pace.polling());

      assertThat(replaced).as("%s", policy).isLessThan(interval);
    }
    assertThat(schedule(Policy.PRODUCTION, SEOUL).shortestInterval(Instant.EPOCH)).hasMinutes(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "*/2 6-22 * * *",
        "0 */2 25 * * *",
        "0 0 0 0 0 0",
        "every 2 minutes or so it is",
        "@hourly",
        "-",
        ""
      })
  void what_is_no_cron_expression_is_named_with_the_form(String expression) {
    assertThatThrownBy(() -> CronTimes.checked(expression))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "\""
                + expression
                + "\" is not a cron expression of six fields: second minute hour day-of-month month"
                + " day-of-week, such as \"0 */2 6-22 * * *\"");
  }

  @Test
  void an_expression_that_never_fires_is_refused() {
    assertThatThrownBy(() -> CronTimes.checked("0 0 0 30 2 *"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the cron expression \"0 0 0 30 2 *\" never fires");
  }

  @Test
  void a_zone_that_there_is_not_is_named_together_with_the_form() {
    RefreshSchedule.Builder schedule = RefreshSchedule.builder(new PGSimpleDataSource());

    assertThatThrownBy(() -> schedule.zone("Asia/Soul"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "\"Asia/Soul\" is not a time zone: name a region such as \"Asia/Seoul\", or \"UTC\"");
  }

  @Test
  void a_schedule_without_a_zone_does_not_take_the_one_of_the_jvm() {
    RefreshSchedule schedule = RefreshSchedule.builder(new PGSimpleDataSource()).build();

    assertThatThrownBy(schedule::start)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("needs a time zone: zone(\"Asia/Seoul\")");
  }

  private static List<Instant> times(CronTimes schedule, Instant from, Instant to) {
    List<Instant> times = new ArrayList<>();
    for (Instant due = schedule.after(from); !due.isAfter(to); due = schedule.after(due)) {
      times.add(due);
    }
    return times;
  }

  private static List<Duration> gaps(List<Instant> times) {
    List<Duration> gaps = new ArrayList<>();
    for (int i = 1; i < times.size(); i++) {
      gaps.add(Duration.between(times.get(i - 1), times.get(i)));
    }
    return gaps;
  }
}
