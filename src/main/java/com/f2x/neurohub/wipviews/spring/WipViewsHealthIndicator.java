package com.f2x.neurohub.wipviews.spring;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.Columns;
import com.f2x.neurohub.wipviews.internal.TimeLimitedQuery;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;

/**
 * {@code DOWN} if a view cannot be read, or there is no database; {@code STALE} if all can be read
 * and one is older than its target, or frozen; else {@code UP}. Each view is a detail. It waits two
 * seconds at most.
 *
 * <p>Stale rows are no reason to take the service out of use: another instance would show the same
 * rows. So {@code STALE} is a status of our own, which Spring Boot answers with 200 and leaves out
 * of the service's overall health, unless {@code management.endpoint.health.status} says otherwise;
 * {@code OUT_OF_SERVICE} would be 503, and a load balancer would remove the service.
 */
final class WipViewsHealthIndicator implements HealthIndicator {

  private static final Status STALE =
      new Status("STALE", "the rows of a view are older than its target, or it is frozen");

  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final TimeLimitedQuery<List<Freshness>> freshness;
  private final Duration timeout;

  WipViewsHealthIndicator(WipViews views) {
    this(views, PATIENCE);
  }

  WipViewsHealthIndicator(WipViews views, Duration timeout) {
    this.freshness =
        new TimeLimitedQuery<>(views.withStatementTimeout(timeout)::freshness, timeout);
    this.timeout = timeout;
  }

  @Override
  public Health health() {
    List<Freshness> all;
    try {
      all = freshness.ask().orElseThrow(this::noAnswer);
    } catch (WipViewsException e) {
      Health.Builder down = Health.down().withDetail("error", e.getMessage());
      e.remedy().ifPresent(remedy -> down.withDetail("remedy", remedy));
      return down.build();
    }
    Health.Builder health = Health.status(status(all));
    all.forEach(view -> health.withDetail(view.view(), Columns.of(view)));
    return health.build();
  }

  private WipViewsException noAnswer() {
    return new WipViewsException(
        "the database did not answer within " + timeout.toSeconds() + " s",
        null,
        null,
        "Check that the server runs, and that the pool has a connection to give.",
        null);
  }

  private static Status status(List<Freshness> all) {
    Set<State> states = all.stream().map(Freshness::state).collect(Collectors.toSet());
    if (states.contains(State.MISSING) || states.contains(State.UNPOPULATED)) {
      return Status.DOWN;
    }
    return states.contains(State.STALE) || states.contains(State.FROZEN) ? STALE : Status.UP;
  }
}
