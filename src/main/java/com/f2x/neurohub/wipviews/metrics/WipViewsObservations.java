package com.f2x.neurohub.wipviews.metrics;

import com.f2x.neurohub.wipviews.CallObserver;
import com.f2x.neurohub.wipviews.Refresh;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Refreshes and promotions as Micrometer observations: a trace shows each, with the JDBC calls
 * beneath it, where the service traces those.
 *
 * <pre>{@code
 * WipViews.of(dataSource).withObserver(WipViewsObservations.of(registry));
 * }</pre>
 *
 * <p>{@code wip.view.refresh} has the low-cardinality keys {@code view} and {@code outcome}
 * (refreshed, coalesced, failed, frozen); {@code wip.view.promote} has {@code view}. A failure is
 * the observation's error.
 */
public final class WipViewsObservations implements CallObserver {

  private static final String ALL = "all";

  private final ObservationRegistry registry;
  private final @Nullable Observation parent;

  private WipViewsObservations(ObservationRegistry registry, @Nullable Observation parent) {
    this.registry = registry;
    this.parent = parent;
  }

  /**
   * Observations in a registry.
   *
   * @param registry where its handlers are; not null
   * @return the observer
   */
  public static WipViewsObservations of(ObservationRegistry registry) {
    return new WipViewsObservations(Objects.requireNonNull(registry, "registry"), null);
  }

  @Override
  public CallObserver ofThisThread() {
    return new WipViewsObservations(registry, registry.getCurrentObservation());
  }

  @Override
  public Ending begin(Operation operation, @Nullable String view) {
    String name = ConstantNames.of(operation);
    String of = view == null ? ALL : view;
    Observation observation =
        Observation.createNotStarted("wip.view." + name, registry)
            .contextualName(name + " " + of)
            .lowCardinalityKeyValue("view", of)
            .parentObservation(parent == null ? registry.getCurrentObservation() : parent)
            .start();
    Observation.Scope scope = observation.openScope();
    return (refresh, failure) -> {
      if (operation == Operation.REFRESH) {
        observation.lowCardinalityKeyValue("outcome", outcome(refresh, failure));
      }
      if (failure != null) {
        observation.error(failure);
      }
      scope.close();
      observation.stop();
    };
  }

  /** In a caller's transaction all views are one call, and none of them has failed. */
  private static String outcome(@Nullable Refresh refresh, @Nullable Throwable failure) {
    if (failure != null) {
      return ConstantNames.of(Refresh.Outcome.FAILED);
    }
    return ConstantNames.of(refresh == null ? Refresh.Outcome.REFRESHED : refresh.outcome());
  }
}
