package com.f2x.neurohub.wipviews.spring;

import java.time.Duration;
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
 * @param http Refresh over HTTP.
 */
@ConfigurationProperties("wip-views")
record WipViewsProperties(
    String schema,
    @DefaultValue("30s") Duration lockTimeout,
    Duration statementTimeout,
    @DefaultValue Http http) {

  WipViewsProperties {
    requireMillisecond("lock-timeout", lockTimeout);
    requireMillisecond("statement-timeout", statementTimeout);
  }

  private static void requireMillisecond(String name, Duration timeout) {
    if (timeout != null && timeout.toMillis() < 1) {
      throw new IllegalArgumentException("wip-views." + name + " must be at least 1ms");
    }
  }

  /**
   * Refresh over HTTP.
   *
   * @param enabled Whether a POST refreshes all views.
   * @param path Path of that POST.
   * @param allowUnprotected Whether to start although anybody may call it. Say so where something
   *     in front of this service protects it.
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
