package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.internal.Durations;
import com.f2x.neurohub.wipviews.schedule.RefreshSchedule.Policy;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties under {@code wip-views}.
 *
 * @param schema Schema that the changelog deployed to. By default the one on top of the
 *     connection's search_path.
 * @param lockTimeout How long a refresh waits for a lock, or for its turn behind another refresh,
 *     before it fails.
 * @param statementTimeout How long the refresh of a view may take, the wait for its turn included.
 *     By default the connection's own setting.
 * @param parallelism How many views are refreshed at once where all are, each over a connection of
 *     its own.
 * @param schedule Refresh on a schedule.
 * @param http Refresh over HTTP.
 */
@ConfigurationProperties("wip-views")
record WipViewsProperties(
    @Nullable String schema,
    @DefaultValue("30s") Duration lockTimeout,
    @Nullable Duration statementTimeout,
    @DefaultValue("1") int parallelism,
    @DefaultValue Schedule schedule,
    @DefaultValue Http http) {

  WipViewsProperties {
    requireTimeout("lock-timeout", lockTimeout);
    requireTimeout("statement-timeout", statementTimeout);
    if (parallelism < 1) {
      throw new IllegalArgumentException("wip-views.parallelism must be at least 1");
    }
  }

  private static void requireTimeout(String name, @Nullable Duration timeout) {
    if (timeout != null && !Durations.isTimeout(timeout)) {
      throw new IllegalArgumentException("wip-views." + name + " must be " + Durations.TIMEOUT);
    }
  }

  /**
   * Refresh on a schedule.
   *
   * @param enabled Whether this instance takes part in the schedule. Needs db-scheduler, and the
   *     table of changelog/db-scheduler.changelog.yaml.
   * @param policy How often, as the guide recommends: production is every 2 minutes from 6 to 23
   *     o'clock and every 15 minutes otherwise, development every 5 minutes, on-demand never.
   * @param cron Cron expression in place of a policy, of six fields: second, minute, hour, day of
   *     month, month, day of week.
   * @param views Cron expression by view, for views with a schedule of their own. Write the name of
   *     a view in quotes and brackets, to keep its underscores.
   * @param zone Time zone of the factory, such as Asia/Seoul. There is no default.
   * @param grace How long a refresh may go on while the service stops, before it is cancelled.
   */
  record Schedule(
      boolean enabled,
      @DefaultValue("production") Policy policy,
      @Nullable String cron,
      @DefaultValue Map<String, String> views,
      @Nullable ZoneId zone,
      @DefaultValue("30s") Duration grace) {

    Schedule {
      if (enabled && zone == null) {
        throw new IllegalArgumentException(
            "wip-views.schedule.zone must be set, such as Asia/Seoul");
      }
    }
  }

  /**
   * Refresh over HTTP.
   *
   * @param enabled Whether a POST refreshes all views.
   * @param path Path of that POST.
   * @param allowUnprotected Whether to start although anybody may call it, or refresh by a POST to
   *     the actuator endpoint. Say so where something in front of this service protects it.
   */
  record Http(
      boolean enabled,
      @DefaultValue("/admin/refresh-wip-views") String path,
      boolean allowUnprotected) {

    Http {
      if (!path.startsWith("/")) {
        throw new IllegalArgumentException(
            "wip-views.http.path must start with a slash: \"" + path + "\"");
      }
    }
  }
}
