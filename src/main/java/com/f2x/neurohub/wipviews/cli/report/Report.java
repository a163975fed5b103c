package com.f2x.neurohub.wipviews.cli.report;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static com.f2x.neurohub.wipviews.jooq.Tables.MV_WIP_STATUS_DASHBOARD;

import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.cli.output.RecentRefreshes;
import com.samskivert.mustache.Escapers;
import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jooq.Table;

/**
 * The factory and its views on one page of HTML that needs nothing else: no script, no font, no
 * picture from elsewhere. {@code report.mustache} is the page; the records of this package are what
 * it shows, each made from what the library reads.
 */
public final class Report {

  /** A day of refreshes every two minutes. */
  private static final int ATTEMPTS_SHOWN = 720;

  private static final int DAYS_SHOWN = 7;

  /** HTML allows them nowhere, not even escaped. */
  private static final Pattern CONTROL_CHARACTERS = Pattern.compile("[\\p{Cc}&&[^\\n\\t]]");

  private static final Template PAGE =
      Mustache.compiler()
          .withEscaper(
              text -> Escapers.HTML.escape(CONTROL_CHARACTERS.matcher(text).replaceAll("")))
          .withLoader(name -> new StringReader(resource(name)))
          .nullValue("")
          .compile(resource("report.mustache"));

  private Report() {}

  /**
   * Reads all that the page shows, and writes it. What cannot be read is said in its place.
   *
   * @throws WipViewsException if the database cannot be reached, or nothing is deployed there
   */
  public static String html(WipViews views) {
    Instant now = Instant.now();
    ZoneId zone = ZoneId.systemDefault();
    List<Freshness> registered = views.freshness();
    FreshnessTable freshness = FreshnessTable.of(registered);
    List<Section<Stations>> stations =
        where(
            registered,
            MV_PROCESS_WIP_QUEUE,
            () -> Section.of(() -> Stations.of(views.rows(MV_PROCESS_WIP_QUEUE)), Stations::tiles));
    List<Section<Lots>> lots =
        where(
            registered,
            MV_WIP_STATUS_DASHBOARD,
            () -> Section.of(() -> Lots.of(views.rows(MV_WIP_STATUS_DASHBOARD)), Lots::tiles));
    Section<Refreshes> refreshes =
        Section.of(
            () ->
                Refreshes.of(
                    RecentRefreshes.byView(views, ATTEMPTS_SHOWN),
                    Section.of(() -> Days.of(views.daily(null, DAYS_SHOWN), DAYS_SHOWN)),
                    zone));
    Section<Findings> findings = Section.of(() -> Findings.of(views.diagnose()), Findings::tiles);
    List<Tile> tiles =
        Stream.of(
                stations.stream().map(Section::tiles),
                lots.stream().map(Section::tiles),
                Stream.of(freshness.tiles(), findings.tiles()))
            .flatMap(tilesOfSections -> tilesOfSections)
            .flatMap(List::stream)
            .toList();
    return PAGE.execute(
        new Page(Moment.of(now, zone), tiles, stations, lots, freshness, refreshes, findings));
  }

  /** Where the engine alone is deployed, there is no MES to report of. */
  private static <T> List<Section<T>> where(
      List<Freshness> registered, Table<?> view, Supplier<Section<T>> section) {
    return registered.stream().anyMatch(one -> one.view().equals(view.getName()))
        ? List.of(section.get())
        : List.of();
  }

  private static String resource(String name) {
    try (InputStream in = Report.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All that the template knows. */
  private record Page(
      Moment moment,
      List<Tile> tiles,
      List<Section<Stations>> stations,
      List<Section<Lots>> lots,
      FreshnessTable views,
      Section<Refreshes> refreshes,
      Section<Findings> findings) {}
}
