package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Factory;
import com.f2x.neurohub.wipviews.testing.Browser;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.stream.Stream;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final Path SHOTS = Path.of("target/report");

  /** Text whose contrast with what is behind it is below the 4.5 that WCAG AA asks for. */
  private static final String FAINT_TEXT =
      """
      (() => {
        const rgb = color => color.match(/[\\d.]+/g).map(Number);
        const light = color => rgb(color).slice(0, 3).map(c => c / 255)
          .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
          .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = element => {
          for (let e = element; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if (rgb(color)[3] !== 0) return color;
          }
          return 'rgb(255, 255, 255)';
        };
        return [...document.body.querySelectorAll('*')]
          .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
          .filter(e => !['title', 'desc'].includes(e.tagName))
          .map(e => {
            const style = getComputedStyle(e);
            const [a, b] = [light(e.closest('svg') ? style.fill : style.color), light(behind(e))];
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName, e.textContent.slice(0, 30)];
          })
          .filter(([contrast]) => contrast < 4.5)
          .map(found => found.join(' '));
      })()
      """;

  private final Cli cli = Cli.on(database);

  @TempDir private Path folder;

  @BeforeAll
  static void a_factory_that_has_worked_for_a_week() throws Exception {
    try (Connection connection = database.connect()) {
      Factory.load(connection, new Factory.Size(75, 60), line -> {});
    }
    // a few refreshes on the days before, then one every ten minutes: some slow, two that failed
    database.execute(
        """
        INSERT INTO wip_view_refresh
          (view_name, outcome, mode, requested_at, started_at, finished_at, rows, bytes, error)
        SELECT v.view_name, CASE WHEN failed THEN 'failed' ELSE 'refreshed' END,
          CASE WHEN NOT failed THEN 'concurrent' END, at, CASE WHEN NOT failed THEN at END,
          at + interval '1 ms' * (v.refresh_order * 25 + 8 * sin(n / 9.0) + 40 * (n % 37 = 9)::int + n % 5),
          60, 81920, CASE WHEN failed THEN 'canceling statement due to statement timeout' END
        FROM wip_view AS v,
          generate_series(-200, 130) AS n,
          LATERAL (
            SELECT
              now() - interval '22 hours' + CASE WHEN n > 0 THEN n * interval '10 minutes' ELSE n / 40 * interval '1 day' + n % 40 * interval '1 minute' END AS at,
              n IN (70, 94) AND v.refresh_order = 2 AS failed
          ) AS attempt
        ORDER BY n
        """);
    WipViews.of(database.dataSource()).refreshAll();
  }

  @Test
  void it_is_one_page_that_needs_nothing_else() throws Exception {
    Document page = page(write());

    assertThat(page.select("h1").eachText()).containsExactly("Work in progress");
    assertThat(page.select("section > h2").eachText())
        .containsExactly(
            "What waits at each station",
            "Open lots by completion",
            "How fresh the views are",
            "How long refreshes take",
            "What wip-views doctor finds");
    assertThat(page.selectXpath("//*[@src or @href or @onclick or @onload]")).isEmpty();
    assertThat(page.select("script, link, img, iframe, object, base, form")).isEmpty();
    assertThat(page.select("style").html()).doesNotContain("url(", "@import");
    assertThat(page.select("meta[http-equiv=Content-Security-Policy]").attr("content"))
        .startsWith("default-src 'none'");
    assertThat(page.select("meta[name=viewport]")).hasSize(1);
    assertThat(page.charset()).isEqualTo(StandardCharsets.UTF_8);
  }

  @Thorough
  @Test
  void a_screen_reader_can_read_it() throws Exception {
    Document page = page(write());

    assertThat(page.select("html").attr("lang")).isEqualTo("en");
    for (Element section : page.select("section")) {
      assertThat(page.getElementById(section.attr("aria-labelledby"))).isNotNull();
    }
    assertThat(page.select("table")).isNotEmpty();
    for (Element table : page.select("table")) {
      assertThat(table.select("caption").text()).isNotBlank();
      int columns = table.select("thead th[scope=col]").size();
      assertThat(table.select("tbody tr"))
          .isNotEmpty()
          .allSatisfy(
              row -> {
                assertThat(row.select("> th[scope=row]")).hasSize(1);
                assertThat(row.children()).hasSize(columns);
                assertThat(row.children()).allMatch(cell -> cell.hasAttr("role"));
              });
    }
    assertThat(page.select("svg"))
        .hasSize(2)
        .allSatisfy(
            svg -> {
              assertThat(svg.attr("role")).isEqualTo("img");
              for (String id : svg.attr("aria-labelledby").split(" ")) {
                assertThat(page.getElementById(id).text()).isNotBlank();
              }
            });
    assertThat(page.select(".ko")).allMatch(name -> name.attr("lang").equals("ko"));
    assertThat(page.select("*[id]").eachAttr("id")).doesNotHaveDuplicates();
  }

  @Thorough
  @Test
  void bottleneck_stuck_station_and_failures_are_marked() throws Exception {
    Document page = page(write());

    Element stations = page.select("section[aria-labelledby=queue] tbody").first();
    assertThat(stations.select("tr")).hasSize(6);
    assertThat(stations.select(".ko").eachText()).contains("펌웨어 업로드", "성능검사");
    assertThat(stations.select("tr:has(.badge.bad) th").eachText())
        .containsExactly("4. Firmware Upload 펌웨어 업로드");
    assertThat(stations.select("tr:has(.badge.warn) .badge").eachText()).contains("stuck");
    assertThat(page.select("section[aria-labelledby=queue] p").text())
        .startsWith("An item is where its history says");
    assertThat(page.select("section[aria-labelledby=lots] tbody tr")).isNotEmpty();
    assertThat(
            page.select(".histogram strong").eachText().stream().mapToInt(Integer::parseInt).sum())
        .isEqualTo(60);
    assertThat(page.select("svg path.failed title").eachText())
        .hasSize(2)
        .allMatch(title -> title.endsWith(": failed"));
    Element chart = page.select("svg").get(1);
    assertThat(chart.select("desc").text()).contains("2 failed");
    List<Double> times =
        Stream.of(chart.select("polyline").attr("points").split(" "))
            .map(point -> Double.valueOf(point.split(",")[0]))
            .toList();
    assertThat(times).isNotEmpty().isSorted();
    assertThat(page.select("section[aria-labelledby=freshness] tbody th").eachText())
        .containsExactly("mv_wip_status_dashboard", "mv_process_wip_queue");
  }

  @Test
  void whatever_is_in_the_database_is_text() throws Exception {
    String evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;";
    TestDatabase attacked = TestDatabase.deployed().create();
    try {
      attacked.execute(
          "UPDATE processes SET process_name_en = '"
              + evil.replace("'", "''")
              + "' WHERE process_number = 1",
          "INSERT INTO wip_view_refresh (view_name, outcome, error)"
              + " VALUES ('mv_process_wip_queue', 'failed', '"
              + evil.replace("'", "''")
              + "')",
          "SELECT refresh_process_wip_queue()",
          "INSERT INTO wip_view_refresh (view_name, outcome, error)"
              + " VALUES ('mv_process_wip_queue', 'failed', '"
              + evil.replace("'", "''")
              + "')");

      Document page = Jsoup.parse(Cli.on(attacked).run("report", "--html", "-").out());

      assertThat(page.select("script, img")).isEmpty();
      assertThat(page.select("section[aria-labelledby=queue] tbody th").first().text())
          .contains(evil);
      assertThat(page.select("section[aria-labelledby=freshness] small").text()).isEqualTo(evil);
    } finally {
      attacked.drop();
    }
  }

  @Thorough
  @Test
  void what_is_missing_is_said_in_its_place_beside_the_rest() throws Exception {
    TestDatabase broken = TestDatabase.deployed().create();
    try {
      Document page = Jsoup.parse(Cli.on(broken).run("report", "--html", "-").out());
      assertThat(page.select(".empty").eachText()).containsExactly("There is no open lot.");
      assertThat(page.select("section[aria-labelledby=queue] tbody tr")).hasSize(6);

      broken.execute(
          "DROP MATERIALIZED VIEW mv_process_wip_queue",
          "REFRESH MATERIALIZED VIEW mv_wip_status_dashboard WITH NO DATA",
          "DELETE FROM wip_view_refresh");
      Cli.Result result = Cli.on(broken).run("report", "--html", "-");

      assertThat(result.exitCode()).isZero();
      page = Jsoup.parse(result.out());
      assertThat(page.select(".unreadable").eachText())
          .containsExactly(
              "materialized view \"mv_process_wip_queue\" is missing. Bring it back: wip-views"
                  + " recreate mv_process_wip_queue",
              "materialized view \"mv_wip_status_dashboard\" has not been populated. Use the"
                  + " REFRESH MATERIALIZED VIEW command.");
      assertThat(page.select("section[aria-labelledby=freshness] .badge").eachText())
          .containsExactly("unpopulated", "missing");
      assertThat(page.select("section[aria-labelledby=durations] .empty").text())
          .isEqualTo("No refresh is on record.");
      assertThat(page.select("section[aria-labelledby=findings] li:contains(mv_process_wip_queue)"))
          .isNotEmpty()
          .allSatisfy(finding -> assertThat(finding.select(".badge").text()).isNotBlank());
      assertThat(page.select("section[aria-labelledby=findings] pre code").eachText())
          .anyMatch(remedy -> remedy.contains("wip-views recreate mv_process_wip_queue"));
    } finally {
      broken.drop();
    }
  }

  @Thorough
  @Test
  void what_is_missing_of_the_refreshes_leaves_the_rest() throws Exception {
    TestDatabase broken = TestDatabase.deployed().create();
    try {
      broken.execute("DROP VIEW wip_view_daily");

      Cli.Result result = Cli.on(broken).run("report", "--html", "-");

      assertThat(result.exitCode()).isZero();
      Document page = Jsoup.parse(result.out());
      assertThat(page.select(".unreadable").eachText())
          .containsExactly(
              "wip-views is incomplete in this schema: wip_view_daily missing. Bring it back:"
                  + " wip-views recreate");
      assertThat(page.select("section[aria-labelledby=durations] svg")).hasSize(2);
      assertThat(page.select("section[aria-labelledby=findings] .badge").eachText())
          .contains("incomplete");
    } finally {
      broken.drop();
    }
  }

  @Test
  void the_file_is_replaced_in_one_step() throws Exception {
    Path file = folder.resolve("report.html");
    Files.writeString(file, "old");
    Path link = Files.createSymbolicLink(folder.resolve("link.html"), file);

    Cli.Result result = cli.run("report", "--html", link.toString());

    assertThat(result.out()).matches("Wrote .*link.html, \\d+ kB\\.\\R");
    assertThat(file).content().startsWith("<!DOCTYPE html>").endsWith("</html>\n");
    assertThat(link).isSymbolicLink();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactlyInAnyOrder(file, link);
    }
  }

  @Test
  void a_report_that_cannot_be_made_leaves_the_old_one() throws Exception {
    Path file = folder.resolve("report.html");
    Files.writeString(file, "old");

    Cli.Result result =
        Cli.on(database)
            .with("WIP_VIEWS_SCHEMA", "nowhere")
            .run("report", "--html", file.toString());

    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.err()).contains("not deployed");
    assertThat(file).hasContent("old");
    assertThat(cli.run("report", "--html", folder.resolve("no/such/report.html").toString()).err())
        .contains("does not exist");
    assertThat(cli.run("report", "--html", folder.toString()).err()).contains("is a folder");
    assertThat(cli.run("report").exitCode()).isEqualTo(2);
  }

  @Thorough
  @Test
  void it_fits_phone_and_desk_in_light_and_dark() throws Exception {
    Path file = write();
    try (Browser browser = Browser.start()) {
      for (boolean dark : new boolean[] {false, true}) {
        for (int width : new int[] {360, 1200}) {
          browser.show(file, width, 900, width < 600, dark);
          browser.screenshot(
              SHOTS.resolve(
                  (width < 600 ? "phone" : "desktop") + (dark ? "-dark" : "-light") + ".png"));
          assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt())
              .isLessThanOrEqualTo(width);
          assertThat(browser.evaluate(FAINT_TEXT)).as("text with too little contrast").isEmpty();
        }
      }
      if (Boolean.getBoolean("golden.update")) {
        // the one in the documents
        browser.show(file, 1000, 1140, false, false);
        browser.screenshot(Path.of("docs/report.png"), 1000, 1140);
      }
      browser.print(SHOTS.resolve("report.pdf"));
    }
  }

  private static Document page(Path file) throws Exception {
    return Jsoup.parse(file);
  }

  private Path write() {
    Path file = folder.resolve("report.html");
    Cli.Result result = cli.run("report", "--html", file.toString());
    assertThat(result.err()).isEmpty();
    assertThat(result.exitCode()).isZero();
    return file;
  }
}
