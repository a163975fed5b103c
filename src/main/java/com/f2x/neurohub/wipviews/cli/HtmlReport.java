package com.f2x.neurohub.wipviews.cli;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;

import com.f2x.neurohub.wipviews.DailyRefreshes;
import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Finding.Severity;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.Freshness.State;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.internal.Spelling;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvProcessWipQueueRecord;
import com.f2x.neurohub.wipviews.jooq.tables.records.MvWipStatusDashboardRecord;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jooq.Table;

/**
 * The factory and its views on one page of HTML that needs nothing else: no script, no font, no
 * picture from elsewhere. Each section stands on its own: what cannot be read is said in its place.
 */
final class HtmlReport {

  private static final int LOTS_SHOWN = 12;

  /** A day of refreshes every two minutes. */
  private static final int ATTEMPTS_SHOWN = 720;

  private static final int DAYS_SHOWN = 7;

  /** What a section is made from, or why it cannot be. */
  private record Read<T>(List<T> rows, WipViewsException failure) {

    static <T> Read<T> of(Supplier<List<T>> rows) {
      try {
        return new Read<>(rows.get(), null);
      } catch (WipViewsException e) {
        return new Read<>(List.of(), e);
      }
    }
  }

  private final Instant now = Instant.now();
  private final ZoneId zone = ZoneId.systemDefault();
  private final List<Freshness> freshness;
  private final Read<MvProcessWipQueueRecord> queue;
  private final Read<MvWipStatusDashboardRecord> lots;
  private final Read<Map.Entry<String, RecentRefreshes>> recent;
  private final Read<DailyRefreshes> daily;
  private final Read<Finding> findings;

  /**
   * Reads all of it.
   *
   * @throws WipViewsException if the database cannot be reached, or nothing is deployed there
   */
  HtmlReport(WipViews views) {
    freshness = views.freshness();
    queue = Read.of(() -> views.rows(MV_PROCESS_WIP_QUEUE));
    lots = Read.of(() -> views.rows(MV_WIP_STATUS_DASHBOARD));
    recent = Read.of(() -> List.copyOf(RecentRefreshes.byView(views, ATTEMPTS_SHOWN).entrySet()));
    daily = Read.of(() -> views.daily(null, DAYS_SHOWN));
    findings = Read.of(views::diagnose);
  }

  String html() {
    Html html = new Html().trusted("<!DOCTYPE html>\n");
    html.element("html", this::page, "lang", "en");
    return html.newline().toString();
  }

  private void page(Html html) {
    html.element(
        "head",
        head -> {
          head.element("meta", "", "charset", "UTF-8");
          head.element(
              "meta", "", "name", "viewport", "content", "width=device-width, initial-scale=1");
          // whatever gets into this page, a browser loads and runs nothing for it
          head.element(
              "meta",
              "",
              "http-equiv",
              "Content-Security-Policy",
              "content",
              "default-src 'none'; style-src 'unsafe-inline'");
          head.element("title", "Work in progress, " + time("yyyy-MM-dd HH:mm", now));
          head.element("style", style -> style.trusted(css()));
        });
    html.element(
        "body",
        body -> {
          body.element("header", this::head);
          body.element(
              "main",
              main -> {
                if (isRegistered(MV_PROCESS_WIP_QUEUE)) {
                  section(main, "queue", "What waits at each station", this::queue);
                }
                if (isRegistered(MV_WIP_STATUS_DASHBOARD)) {
                  section(main, "lots", "Open lots by completion", this::lots);
                }
                section(main, "freshness", "How fresh the views are", this::freshness);
                section(main, "durations", "How long refreshes take", this::durations);
                section(main, "findings", "What wip-views doctor finds", this::findings);
              });
          body.element(
              "footer",
              foot -> {
                foot.text("Written by ").element("code", "wip-views report");
                foot.text(" on " + time("yyyy-MM-dd 'at' HH:mm:ss zzz", now) + ".");
              });
        });
  }

  /** Where the engine alone is deployed, there is no MES to report of. */
  private boolean isRegistered(Table<?> view) {
    return freshness.stream().anyMatch(one -> one.view().equals(view.getName()));
  }

  private static void section(Html html, String id, String title, Consumer<Html> content) {
    html.newline()
        .element(
            "section",
            section -> {
              section.element("h2", title, "id", id);
              content.accept(section);
            },
            "aria-labelledby",
            id);
  }

  // ------------------------------------------------------------------------------------ the head

  private void head(Html html) {
    html.element("h1", "Work in progress");
    html.element(
        "p",
        line ->
            line.text("As of ")
                .element("time", time("yyyy-MM-dd HH:mm zzz", now), "datetime", now.toString()),
        "class",
        "asof");
    html.element(
        "ul",
        tiles -> {
          if (queue.failure() == null) {
            tile(
                tiles,
                sum(queue.rows(), MvProcessWipQueueRecord::getWipCountAtProcess),
                "items at the stations",
                null);
            long bottlenecks =
                queue.rows().stream().filter(MvProcessWipQueueRecord::getIsBottleneck).count();
            tile(
                tiles,
                Words.count(bottlenecks),
                bottlenecks == 1 ? "bottleneck" : "bottlenecks",
                bottlenecks > 0 ? "bad" : "good");
            long stuck =
                queue.rows().stream().filter(MvProcessWipQueueRecord::getHasStuckWip).count();
            tile(
                tiles,
                Words.count(stuck),
                stuck == 1 ? "station with stuck items" : "stations with stuck items",
                stuck > 0 ? "warn" : "good");
          }
          if (lots.failure() == null) {
            tile(
                tiles,
                Words.count(lots.rows().size()),
                lots.rows().size() == 1 ? "open lot" : "open lots",
                null);
          }
          long fresh = freshness.stream().filter(view -> view.state() == State.FRESH).count();
          tile(
              tiles,
              fresh + " of " + freshness.size(),
              "views fresh",
              fresh == freshness.size() ? "good" : "bad");
          if (findings.failure() == null && !findings.rows().isEmpty()) {
            tile(
                tiles,
                Words.count(findings.rows().size()),
                findings.rows().size() == 1 ? "finding of doctor" : "findings of doctor",
                "bad");
          }
        },
        "class",
        "tiles");
  }

  private static void tile(Html html, String figure, String what, String mood) {
    html.element(
        "li",
        tile -> tile.element("strong", figure).text(" ").element("span", what),
        "class",
        mood);
  }

  private static <T> String sum(List<T> rows, ToLongFunction<T> figure) {
    return Words.count(rows.stream().mapToLong(figure).sum());
  }

  // ----------------------------------------------------------------------------------- the queue

  private void queue(Html html) {
    if (cannotRead(html, queue)) {
      return;
    }
    List<MvProcessWipQueueRecord> stations =
        queue.rows().stream()
            .sorted(Comparator.comparing(MvProcessWipQueueRecord::getProcessNumber))
            .toList();
    long most =
        Math.max(
            1,
            stations.stream()
                .mapToLong(MvProcessWipQueueRecord::getWipCountAtProcess)
                .max()
                .orElse(1));
    table(
        html,
        "Stations, and the items there by their history",
        List.of("Station", "Waiting"),
        List.of("Items", "Failed", "Mean wait", "Longest wait", "Done in the last hour", "Passed"),
        rows -> {
          for (MvProcessWipQueueRecord station : stations) {
            String mood =
                station.getIsBottleneck() ? "bad" : station.getHasStuckWip() ? "warn" : "plain";
            row(
                rows,
                name -> {
                  name.element("span", station.getProcessNumber() + ". ", "class", "number");
                  name.text(station.getProcessNameEn()).text(" ");
                  name.element("span", station.getProcessNameKo(), "lang", "ko", "class", "ko");
                },
                cells -> {
                  cell(
                      cells,
                      null,
                      "bar",
                      bar -> {
                        long items = station.getWipCountAtProcess();
                        bar(bar, "bar " + mood, 100.0 * items / most);
                        if (station.getIsBottleneck()) {
                          badge(bar, "bad", "bottleneck");
                        }
                        if (station.getHasStuckWip()) {
                          badge(bar, "warn", "stuck");
                        }
                      });
                  figure(cells, "Items", Words.count(station.getWipCountAtProcess()));
                  figure(cells, "Failed", Words.count(station.getFailedCount()));
                  figure(cells, "Mean wait", Words.seconds(station.getAvgWaitTimeSeconds()));
                  figure(cells, "Longest wait", Words.seconds(station.getMaxWaitTimeSeconds()));
                  figure(
                      cells, "Done in the last hour", Words.count(station.getCompletedLastHour()));
                  figure(cells, "Passed", Words.percent(station.getPassRateLastHourPct()));
                });
          }
        });
    html.element("p", FactoryReport.WHERE_AN_ITEM_IS, "class", "more");
  }

  // ------------------------------------------------------------------------------------ the lots

  private void lots(Html html) {
    if (cannotRead(html, lots)) {
      return;
    }
    if (lots.rows().isEmpty()) {
      html.element("p", "There is no open lot.", "class", "empty");
      return;
    }
    histogram(html);
    List<MvWipStatusDashboardRecord> under =
        lots.rows().stream()
            .filter(lot -> lot.getTotalWipCount() > 0)
            .filter(lot -> lot.getCompletedCount() < lot.getTotalWipCount())
            .sorted(
                Comparator.comparing(MvWipStatusDashboardRecord::getCompletionRatePct)
                    .reversed()
                    .thenComparing(MvWipStatusDashboardRecord::getLotNumber))
            .toList();
    List<MvWipStatusDashboardRecord> shown = under.subList(0, Math.min(LOTS_SHOWN, under.size()));
    if (shown.isEmpty()) {
      return;
    }
    html.element("h3", "Under way, the furthest first");
    html.element(
        "p",
        legend -> {
          key(legend, "done", "completed");
          key(legend, "line", "in progress");
          key(legend, "failed", "failed");
          key(legend, "todo", "not begun");
        },
        "class",
        "legend");
    table(
        html,
        "Lots under way",
        List.of("Lot", "Items"),
        List.of("Completed", "In progress", "Failed", "Mean cycle"),
        rows -> {
          for (MvWipStatusDashboardRecord lot : shown) {
            row(
                rows,
                name -> name.text(lot.getLotNumber()),
                cells -> {
                  cell(cells, null, "bar", bar -> stack(bar, lot));
                  figure(cells, "Completed", Words.percent(lot.getCompletionRatePct()));
                  figure(cells, "In progress", Words.count(lot.getInProgressCount()));
                  figure(cells, "Failed", Words.count(lot.getFailedCount()));
                  figure(cells, "Mean cycle", Words.seconds(lot.getAvgCycleTimeSeconds()));
                });
          }
        });
    if (under.size() > shown.size()) {
      html.element(
          "p",
          "… and " + Words.count(under.size() - shown.size(), "more lot") + " under way.",
          "class",
          "more");
    }
  }

  /** How many lots are how far, in five steps and at either end. */
  private void histogram(Html html) {
    String[] names = {"empty", "0%", "1–24%", "25–49%", "50–74%", "75–99%", "100%"};
    long[] counts = new long[names.length];
    for (MvWipStatusDashboardRecord lot : lots.rows()) {
      if (lot.getTotalWipCount() == 0) {
        counts[0]++;
      } else if (lot.getCompletedCount() == 0) {
        counts[1]++;
      } else if (lot.getCompletedCount().equals(lot.getTotalWipCount())) {
        counts[6]++;
      } else {
        counts[2 + (int) (4 * lot.getCompletedCount() / lot.getTotalWipCount())]++;
      }
    }
    long most = Arrays.stream(counts).max().orElse(1);
    html.element(
        "ol",
        list -> {
          for (int i = 0; i < names.length; i++) {
            String name = names[i];
            long count = counts[i];
            list.element(
                "li",
                item -> {
                  item.element("strong", Words.count(count));
                  item.element(
                      "i",
                      "",
                      "aria-hidden",
                      "true",
                      "style",
                      "height:" + number(Math.max(2, 84.0 * count / most)) + "px");
                  item.element("span", name);
                });
          }
        },
        "class",
        "histogram",
        "aria-label",
        "Open lots by completed items");
  }

  private static void stack(Html html, MvWipStatusDashboardRecord lot) {
    double total = lot.getTotalWipCount();
    html.element(
        "span",
        bar -> {
          part(bar, "done", lot.getCompletedCount() / total);
          part(bar, "line", lot.getInProgressCount() / total);
          part(bar, "failed", lot.getFailedCount() / total);
        },
        "class",
        "stack",
        "role",
        "img",
        "aria-label",
        String.format(
            Locale.ROOT,
            "%d completed, %d in progress, %d failed, %d not begun of %d",
            lot.getCompletedCount(),
            lot.getInProgressCount(),
            lot.getFailedCount(),
            lot.getCreatedCount(),
            lot.getTotalWipCount()));
  }

  private static void part(Html html, String name, double part) {
    if (part > 0) {
      html.element("i", "", "class", name, "style", "width:" + number(100 * part) + "%");
    }
  }

  private static void key(Html html, String name, String what) {
    html.element(
            "span", key -> key.element("i", "", "class", name, "aria-hidden", "true").text(what))
        .text(" ");
  }

  // ------------------------------------------------------------------------------- the freshness

  private void freshness(Html html) {
    if (freshness.isEmpty()) {
      html.element("p", "No view is registered.", "class", "empty");
      return;
    }
    table(
        html,
        "The views, and how old their rows are",
        List.of("View", "State", "Age", "Last attempt"),
        List.of("Target", "Took", "Rows", "Size"),
        rows -> {
          for (Freshness view : freshness) {
            row(
                rows,
                name -> name.element("code", view.view()),
                cells -> {
                  cell(
                      cells,
                      null,
                      "state",
                      state -> badge(state, mood(view.state()), Spelling.of(view.state())));
                  cell(
                      cells,
                      "Age",
                      "age",
                      age -> {
                        double part =
                            view.age() == null
                                ? 0
                                : 100.0 * view.age().toMillis() / view.target().toMillis();
                        bar(age, "meter " + mood(view.state()), part);
                        age.element(
                            "span",
                            view.age() == null ? "never refreshed" : Words.coarse(view.age()));
                      });
                  cell(
                      cells,
                      "Last attempt",
                      "outcome",
                      last -> {
                        if (view.failuresInARow() > 0) {
                          badge(last, "bad", "failed");
                          last.text(
                              view.failuresInARow() > 1
                                  ? Words.count(view.failuresInARow()) + " times in a row"
                                  : "");
                        } else {
                          last.text(
                              view.lastOutcome() == null
                                  ? "none yet"
                                  : Spelling.of(view.lastOutcome()));
                        }
                        if (view.lastError() != null) {
                          last.element("small", view.lastError());
                        }
                        if (view.runningFor() != null) {
                          last.element(
                              "small",
                              "running for "
                                  + Words.duration(view.runningFor())
                                  + " (pid "
                                  + view.runningPid()
                                  + ")");
                        }
                      });
                  figure(cells, "Target", Words.duration(view.target()));
                  figure(cells, "Took", Words.duration(view.lastDuration()));
                  figure(cells, "Rows", Words.count(view.rows()));
                  figure(cells, "Size", Words.size(view.bytes()));
                });
          }
        });
  }

  private static String mood(State state) {
    return switch (state) {
      case FRESH -> "good";
      case STALE -> "warn";
      case UNPOPULATED, MISSING -> "bad";
    };
  }

  // ------------------------------------------------------------------------------- the durations

  private void durations(Html html) {
    if (cannotRead(html, recent)) {
      return;
    }
    if (recent.rows().stream().allMatch(view -> view.getValue().attempts().isEmpty())) {
      html.element("p", "No refresh is on record.", "class", "empty");
      return;
    }
    html.element(
        "div",
        charts -> {
          int number = 0;
          for (Map.Entry<String, RecentRefreshes> view : recent.rows()) {
            if (!view.getValue().attempts().isEmpty()) {
              String id = "chart-" + ++number;
              charts.element(
                  "figure",
                  figure -> {
                    figure.element("figcaption", caption -> caption.element("code", view.getKey()));
                    new DurationChart(view.getKey(), view.getValue().lastDay(), zone)
                        .write(figure, id);
                  });
            }
          }
        },
        "class",
        "charts");
    html.element(
        "p",
        legend -> {
          key(legend, "took", "refreshed");
          legend.element(
              "span", failed -> failed.element("b", "×", "aria-hidden", "true").text("failed"));
        },
        "class",
        "legend");
    html.element("h3", "Day by day");
    if (cannotRead(html, daily)) {
      return;
    }
    table(
        html,
        "Refreshes of the last " + DAYS_SHOWN + " days",
        List.of("Day", "View"),
        List.of("Attempts", "Failed", "Half took up to", "19 of 20 up to", "Longest"),
        rows -> {
          for (DailyRefreshes day : daily.rows()) {
            row(
                rows,
                name -> name.text(day.day().toString()),
                cells -> {
                  cell(cells, null, "view", view -> view.element("code", day.view()));
                  figure(cells, "Attempts", Words.count(day.attempts()));
                  figure(cells, "Failed", Words.count(day.failed()));
                  figure(cells, "Half took up to", Words.duration(day.p50Duration()));
                  figure(cells, "19 of 20 up to", Words.duration(day.p95Duration()));
                  figure(cells, "Longest", Words.duration(day.maxDuration()));
                });
          }
        });
  }

  // -------------------------------------------------------------------------------- the findings

  private void findings(Html html) {
    if (cannotRead(html, findings)) {
      return;
    }
    if (findings.rows().isEmpty()) {
      html.element("p", line -> badge(line, "good", "all is well"), "class", "well");
      return;
    }
    html.element(
        "ul",
        list -> {
          for (Finding finding : findings.rows()) {
            list.newline().element("li", item -> finding(item, finding));
          }
        },
        "class",
        "findings");
  }

  private static void finding(Html html, Finding finding) {
    html.element(
        "p",
        line -> {
          boolean problem = finding.severity() == Severity.PROBLEM;
          badge(line, problem ? "bad" : "warn", finding.check());
          line.element(
              "strong",
              Words.sentence(
                  (finding.subject() == null ? "" : finding.subject() + ": ") + finding.what()));
        });
    html.element("p", finding.why());
    if (!finding.remedy().isEmpty()) {
      html.element(
          "pre",
          code -> code.element("code", String.join("\n", finding.remedy())),
          "tabindex",
          "0");
    }
  }

  // -------------------------------------------------------------------------------------- pieces

  private static boolean cannotRead(Html html, Read<?> read) {
    if (read.failure() == null) {
      return false;
    }
    html.element(
        "p",
        message -> {
          message.element("strong", Words.sentence(read.failure().getMessage())).text(" ");
          message.text(read.failure().remedy().map(Words::sentence).orElse(""));
        },
        "class",
        "unreadable");
    return true;
  }

  /**
   * A table that becomes a list of cards on a phone. Its roles are spelt out, since a browser
   * forgets that it is a table when it is displayed as something else.
   */
  private static void table(
      Html html, String caption, List<String> words, List<String> figures, Consumer<Html> rows) {
    html.element(
        "table",
        table -> {
          table.element("caption", caption);
          table.element(
              "thead",
              head ->
                  head.element(
                      "tr",
                      row -> {
                        words.forEach(name -> header(row, name, null));
                        figures.forEach(name -> header(row, name, "figure"));
                      },
                      "role",
                      "row"),
              "role",
              "rowgroup");
          table.newline().element("tbody", rows, "role", "rowgroup");
        },
        "role",
        "table");
  }

  private static void header(Html row, String name, String kind) {
    row.element("th", name, "scope", "col", "role", "columnheader", "class", kind);
  }

  private static void row(Html rows, Consumer<Html> name, Consumer<Html> cells) {
    rows.element(
            "tr",
            row -> {
              row.element("th", name, "scope", "row", "role", "rowheader");
              cells.accept(row);
            },
            "role",
            "row")
        .newline();
  }

  private static void cell(Html row, String label, String name, Consumer<Html> content) {
    row.element("td", content, "role", "cell", "class", name, "data-label", label);
  }

  private static void figure(Html row, String label, String figure) {
    cell(row, label, "figure", cell -> cell.text(figure));
  }

  private static void badge(Html html, String mood, String text) {
    html.element("span", text, "class", "badge " + mood).text(" ");
  }

  private static void bar(Html html, String name, double percent) {
    html.element(
        "span",
        track -> track.element("i", "", "style", "width:" + number(Math.min(100, percent)) + "%"),
        "class",
        name,
        "aria-hidden",
        "true");
  }

  private static String number(double number) {
    return String.format(Locale.ROOT, "%.1f", number);
  }

  private String time(String pattern, Instant time) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time.atZone(zone));
  }

  private static String css() {
    try (InputStream css = HtmlReport.class.getResourceAsStream("report.css")) {
      return new String(css.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
