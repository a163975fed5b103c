package com.f2x.neurohub.wipviews.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.File;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The alert rules and the dashboard that are in the jar. */
@Thorough
class AlertsAndDashboardTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String RULES = "prometheus-rules.yaml";
  private static final Pattern METRIC = Pattern.compile("\\bwip_[a-z_]+");

  @Test
  void every_rule_reads_metrics_that_there_are_and_says_what_to_do() throws Exception {
    Set<String> metrics = metrics();
    for (Map<String, Object> rule : rules()) {
      assertThat(metrics).containsAll(metricsIn((String) rule.get("expr")));
      assertThat(rule.get("alert").toString()).startsWith("WipView");
      assertThat(rule.get("labels").toString()).matches("\\{severity=(warning|critical)}");
      assertThat(rule.get("annotations").toString()).contains("summary=", "description=");
    }
    assertThat(rules()).isNotEmpty();
  }

  @Test
  void every_metric_is_on_a_panel_and_every_panel_reads_metrics() throws Exception {
    JsonNode dashboard = JsonMapper.shared().readTree(resource("grafana-dashboard.json"));
    Set<String> shown = new TreeSet<>();
    Set<Integer> ids = new HashSet<>();
    Set<String> cells = new HashSet<>();
    for (JsonNode panel : dashboard.get("panels")) {
      assertThat(ids.add(panel.get("id").asInt())).isTrue();
      JsonNode place = panel.get("gridPos");
      for (int x = place.get("x").asInt();
          x < place.get("x").asInt() + place.get("w").asInt();
          x++) {
        assertThat(x).isLessThan(24);
        for (int y = place.get("y").asInt();
            y < place.get("y").asInt() + place.get("h").asInt();
            y++) {
          assertThat(cells.add(x + "," + y)).as("%s overlaps", panel.get("title")).isTrue();
        }
      }
      assertThat(panel.get("description").asString()).isNotBlank();
      for (JsonNode target : panel.get("targets")) {
        shown.addAll(metricsIn(target.get("expr").asString()));
      }
    }
    for (JsonNode variable : dashboard.get("templating").get("list")) {
      assertThat(metrics()).containsAll(metricsIn(variable.path("definition").asString("")));
    }

    assertThat(shown).isEqualTo(metrics());
  }

  @Test
  void promtool_accepts_the_rules_and_each_fires_when_it_should(@TempDir Path folder)
      throws Exception {
    boolean installed =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "promtool")));
    if (!installed) {
      System.out.println("SKIPPED: there is no promtool on the PATH (Debian: prometheus)");
    }
    assumeTrue(installed, "there is no promtool on the PATH");

    Files.writeString(folder.resolve(RULES), resource(RULES));
    Files.copy(
        Path.of("src/test/resources/prometheus-rules.test.yaml"),
        folder.resolve("prometheus-rules.test.yaml"));

    assertThat(promtool(folder, "check", "rules", RULES))
        .contains("SUCCESS: " + rules().size() + " rules found");
    assertThat(promtool(folder, "test", "rules", "prometheus-rules.test.yaml")).contains("SUCCESS");
  }

  @Test
  void every_alert_has_a_test_in_which_it_fires() throws Exception {
    String tests = Files.readString(Path.of("src/test/resources/prometheus-rules.test.yaml"));
    for (Map<String, Object> rule : rules()) {
      assertThat(tests)
          .containsPattern(
              "alertname: " + rule.get("alert") + "\\n\\s+eval_time: .*\\n\\s+exp_alerts:");
    }
  }

  private static String promtool(Path folder, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("promtool"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  /** The names under which Prometheus sees what the binder registers. */
  private static Set<String> metrics() {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Duration patience = Duration.ofMinutes(3);
    WipViewsMetrics.of(WipViews.of(database.dataSource()), patience, patience).bindTo(registry);
    Set<String> names = new TreeSet<>();
    registry
        .scrape()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(line -> names.addAll(metricsIn(line.split("[{ ]")[0])));
    assertThat(names).isNotEmpty();
    return names;
  }

  private static Set<String> metricsIn(String expression) {
    Set<String> names = new TreeSet<>();
    Matcher matcher = METRIC.matcher(expression);
    while (matcher.find()) {
      names.add(matcher.group());
    }
    return names;
  }

  @SuppressWarnings("unchecked")
  private static List<Map<String, Object>> rules() throws Exception {
    Map<String, Object> file = new Yaml().load(resource(RULES));
    List<Map<String, Object>> groups = (List<Map<String, Object>>) file.get("groups");
    return (List<Map<String, Object>>) groups.get(0).get("rules");
  }

  /** As a consumer finds it: beside the class, in the jar. */
  private static String resource(String name) throws Exception {
    try (InputStream resource = WipViewsMetrics.class.getResourceAsStream(name)) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
