package com.f2x.neurohub.wipviews.metrics;

import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.Refresh.Outcome;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.internal.ConstantNames;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Freshness and refreshes of the views as Micrometer meters.
 *
 * <pre>{@code
 * WipViewsMetrics.of(WipViews.of(dataSource)).bindTo(registry);
 * }</pre>
 *
 * <p>The figures are those of the database, and so include refreshes by any caller: another
 * instance, cron, psql. One cheap query serves all meters of a scrape, and is repeated when its
 * result is a second old; it waits for no lock. While the database is unreachable, {@code
 * wip.views.up} is 0, the gauges are NaN and the counters stand still.
 *
 * <table>
 * <caption>Meters, and their names in Prometheus</caption>
 * <tr><th>Meter</th><th>Prometheus</th><th>What</th></tr>
 * <tr><td>{@code wip.views.up}</td><td>{@code wip_views_up}</td>
 *     <td>1 if the database answered, else 0</td></tr>
 * <tr><td>{@code wip.view.state}</td><td>{@code wip_view_state}</td>
 *     <td>1 for the state that the view is in, 0 for the others; tag {@code state}: fresh, stale,
 *     unpopulated, missing</td></tr>
 * <tr><td>{@code wip.view.age}</td><td>{@code wip_view_age_seconds}</td>
 *     <td>how old the rows are; NaN before the first refresh</td></tr>
 * <tr><td>{@code wip.view.target}</td><td>{@code wip_view_target_seconds}</td>
 *     <td>the age above which the view is stale</td></tr>
 * <tr><td>{@code wip.view.rows}</td><td>{@code wip_view_rows}</td>
 *     <td>rows after the last refresh</td></tr>
 * <tr><td>{@code wip.view.dead.rows}</td><td>{@code wip_view_dead_rows}</td>
 *     <td>rows that refreshes replaced and no vacuum has removed yet</td></tr>
 * <tr><td>{@code wip.view.size}</td><td>{@code wip_view_size_bytes}</td>
 *     <td>on disk, with indexes, after the last refresh</td></tr>
 * <tr><td>{@code wip.view.last.duration}</td><td>{@code wip_view_last_duration_seconds}</td>
 *     <td>how long the last successful refresh took</td></tr>
 * <tr><td>{@code wip.view.failures.in.a.row}</td><td>{@code wip_view_failures_in_a_row}</td>
 *     <td>attempts that failed since the last one that did not</td></tr>
 * <tr><td>{@code wip.view.running}</td><td>{@code wip_view_running_seconds}</td>
 *     <td>how long the current refresh has been running; 0 if none is running</td></tr>
 * <tr><td>{@code wip.view.waiting.callers}</td><td>{@code wip_view_waiting_callers}</td>
 *     <td>sessions that wait for it</td></tr>
 * <tr><td>{@code wip.view.refreshes}</td><td>{@code wip_view_refreshes_total}</td>
 *     <td>attempts that ended since the meters were bound; tag {@code outcome}: refreshed,
 *     coalesced, failed, frozen</td></tr>
 * </table>
 *
 * <p>All but the first have the tag {@code view}. A view that is registered later gets its meters
 * with the next reading. Every instance of a service reports the same figures: aggregate with
 * {@code max}. Alert rules for Prometheus and a Grafana dashboard are beside this class in the jar:
 * {@code prometheus-rules.yaml} and {@code grafana-dashboard.json}.
 *
 * <p>Thread-safe. No meter ever throws, and none waits longer than two seconds, whatever the data
 * source and the network do: a scrape, with all the other meters of the service, ends before a
 * scraper gives up. A reading runs on a daemon thread that ends with it, one at a time.
 */
public final class WipViewsMetrics implements MeterBinder {

  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** Longer than a scrape takes, shorter than the time between two. */
  private static final Duration KEPT = Duration.ofSeconds(1);

  private final Readings readings;
  private final Tags tags;

  private WipViewsMetrics(Readings readings, Tags tags) {
    this.readings = readings;
    this.tags = tags;
  }

  /**
   * Metrics of views.
   *
   * @param views made from a data source, since meters are read by threads of a registry; not null
   * @return metrics to bind to a registry
   */
  public static WipViewsMetrics of(WipViews views) {
    return of(Objects.requireNonNull(views, "views"), PATIENCE, KEPT);
  }

  static WipViewsMetrics of(WipViews views, Duration timeout, Duration kept) {
    return new WipViewsMetrics(new Readings(views, timeout, kept), Tags.empty());
  }

  /**
   * The same metrics with more tags, which tell several factories in one registry apart.
   *
   * @param tags added to every meter; not null
   * @return other metrics, these unchanged
   */
  public WipViewsMetrics withTags(Iterable<Tag> tags) {
    return new WipViewsMetrics(readings, this.tags.and(tags));
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    new Binding(registry).read();
  }

  /** The meters in one registry. */
  private final class Binding {

    private final MeterRegistry registry;
    private final Set<String> bound = ConcurrentHashMap.newKeySet();

    Binding(MeterRegistry registry) {
      this.registry = registry;
      // Strong, as the other gauges are: function counters can have a weak reference only.
      Gauge.builder("wip.views.up", this, binding -> binding.read().up() ? 1 : 0)
          .description("1 if the database answered, else 0")
          .tags(tags)
          .strongReference(true)
          .register(registry);
    }

    Readings.Reading read() {
      Readings.Reading reading = readings.current();
      for (String view : reading.views().keySet()) {
        if (bound.add(view)) {
          bind(view);
        }
      }
      return reading;
    }

    private void bind(String view) {
      Tags ofView = tags.and("view", view);
      for (State state : State.values()) {
        gauge(
            "wip.view.state",
            null,
            "1 for the state that the view is in, 0 for the others",
            view,
            ofView.and("state", ConstantNames.of(state)),
            is -> is.state() == state ? 1 : 0);
      }
      gauge("wip.view.age", "seconds", "How old the rows are", view, ofView, Readings.View::age);
      gauge(
          "wip.view.target",
          "seconds",
          "The age above which the view is stale",
          view,
          ofView,
          Readings.View::target);
      gauge(
          "wip.view.rows",
          "rows",
          "Rows after the last refresh",
          view,
          ofView,
          Readings.View::rows);
      gauge(
          "wip.view.dead.rows",
          "rows",
          "Rows that refreshes replaced and no vacuum has removed yet",
          view,
          ofView,
          Readings.View::deadRows);
      gauge(
          "wip.view.size",
          "bytes",
          "Size on disk, with indexes, after the last refresh",
          view,
          ofView,
          Readings.View::bytes);
      gauge(
          "wip.view.last.duration",
          "seconds",
          "How long the last successful refresh took",
          view,
          ofView,
          Readings.View::lastDuration);
      gauge(
          "wip.view.failures.in.a.row",
          null,
          "Attempts that failed since the last one that did not",
          view,
          ofView,
          Readings.View::failuresInARow);
      gauge(
          "wip.view.running",
          "seconds",
          "How long the current refresh has been running; 0 if none is running",
          view,
          ofView,
          Readings.View::runningFor);
      gauge(
          "wip.view.waiting.callers",
          null,
          "Sessions that wait for the current refresh",
          view,
          ofView,
          Readings.View::waitingCallers);
      for (Outcome outcome : Readings.ENDS) {
        FunctionCounter.builder(
                "wip.view.refreshes", this, binding -> binding.counted(view, outcome))
            .description("Attempts that ended since the meters were bound")
            .tags(ofView.and("outcome", ConstantNames.of(outcome)))
            .register(registry);
      }
    }

    private void gauge(
        String name,
        @Nullable String unit,
        String description,
        String view,
        Tags tags,
        ToDoubleFunction<Readings.View> figure) {
      Gauge.builder(
              name,
              this,
              binding -> {
                Readings.View is = binding.read().views().get(view);
                return is == null ? Double.NaN : figure.applyAsDouble(is);
              })
          .baseUnit(unit)
          .description(description)
          .tags(tags)
          .strongReference(true)
          .register(registry);
    }

    private double counted(String view, Outcome outcome) {
      read();
      return readings.counted(view, outcome);
    }
  }
}
