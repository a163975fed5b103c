package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.ChangedView;
import com.f2x.neurohub.wipviews.testing.OwnChangelog;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** {@code wip-views plan}, as docs/plan.md shows it, and {@code recreate --previous}. */
class PlanCommandTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.engine();

  @TempDir private static Path folder;

  private final Cli cli = Cli.on(database);

  @BeforeAll
  static void deploy() throws Exception {
    ChangedView.load(database);
    String changelog = OwnChangelog.in(folder).with(ChangedView.BEFORE).location();
    Cli.Result result =
        Cli.on(database).run("update", "--only", "engine", "--changelog", changelog);
    assertThat(result.exitCode()).isZero();
    database.execute(
        "CREATE VIEW amounts AS SELECT customer, amount FROM mv_customers",
        "CREATE MATERIALIZED VIEW total AS SELECT sum(amount) AS amount FROM amounts",
        "CREATE VIEW over_total AS SELECT amount FROM total",
        "COMMENT ON COLUMN mv_customers.orders IS 'by hand'",
        "SELECT refresh_wip_view('mv_customers')");
  }

  private Cli.Result plan(OwnView view, String... more) throws Exception {
    String changelog = OwnChangelog.in(folder).with(view).location();
    String[] args =
        List.of("plan", "--only", "engine", "--changelog", changelog).toArray(String[]::new);
    String[] all = new String[args.length + more.length];
    System.arraycopy(args, 0, all, 0, args.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return cli.run(all);
  }

  private static String documented(String language) throws Exception {
    Matcher block =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("docs/plan.md")));
    assertThat(block.find()).isTrue();
    return block.group(1);
  }

  private static String withoutTimes(String text) {
    return text.replaceAll("<?[0-9]+(?:[.][0-9]+)? (?:ms|s)\\b", "N ms")
        .replaceAll("(_time\" : )[0-9.]+", "$1N");
  }

  @Thorough
  @Test
  void the_text_is_the_one_in_the_documents() throws Exception {
    Cli.Result result = plan(ChangedView.AFTER);

    assertThat(result.exitCode()).isZero();
    assertThat(result.err()).isEmpty();
    assertThat(withoutTimes(result.out())).isEqualTo(withoutTimes(documented("text")));
    assertThat(result.outLines()).allMatch(line -> line.length() <= 80);
  }

  @Thorough
  @Test
  void the_json_is_the_one_in_the_documents() throws Exception {
    Cli.Result result = plan(ChangedView.AFTER, "--format", "json");

    assertThat(result.exitCode()).isZero();
    assertThat(withoutTimes(result.out()).strip())
        .isEqualTo(withoutTimes(documented("json")).strip());
    assertThat(JsonMapper.shared().readTree(documented("json")).get("succeeds").asBoolean())
        .isTrue();
  }

  @Test
  void nothing_to_deploy_is_one_line() throws Exception {
    Cli.Result result = plan(ChangedView.BEFORE);

    assertThat(result.exitCode()).isZero();
    assertThat(result.outLines()).containsExactly("Nothing to deploy.");
  }

  @Thorough
  @Test
  void a_refusal_exits_1_and_names_the_reason() throws Exception {
    database.execute("CREATE VIEW counts AS SELECT orders FROM mv_customers");
    try {
      Cli.Result result = plan(ChangedView.AFTER);

      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.out().replaceAll("\\s+", " "))
          .contains("refused view public.counts")
          .contains("✗ refused: mv_customers: because of what depends on it: view public.counts:")
          .contains("Change or drop these first.");
      assertThat(result.errLines())
          .containsExactly("wip-views: update would be refused: 1 reason.");
      assertThat(plan(ChangedView.AFTER, "--format", "json").json().get("succeeds").asBoolean())
          .isFalse();
    } finally {
      database.execute("DROP VIEW counts");
    }
  }

  @Test
  void previous_needs_a_view_that_has_one() {
    Cli.Result none = cli.run("recreate", "--previous");
    assertThat(none.exitCode()).isEqualTo(2);
    assertThat(none.err()).contains("--previous needs the names of views");

    Cli.Result first = cli.run("recreate", "mv_customers", "--previous");
    assertThat(first.exitCode()).isEqualTo(1);
    assertThat(first.err()).contains("no earlier definition of mv_customers is on record");
  }

  @Thorough
  @Test
  void update_prints_the_plan_and_previous_undoes_it() throws Exception {
    OwnView other =
        new OwnView("mv_other", "SELECT id, customer, amount FROM orders WHERE id < 4", "id");
    OwnView changed =
        new OwnView("mv_other", "SELECT id, amount + 1 AS amount FROM orders WHERE id < 5", "id");
    other.promoteIn(database);
    String changelog = OwnChangelog.in(folder).with(changed).location();

    Cli.Result result = cli.run("update", "--only", "engine", "--changelog", changelog);

    assertThat(result.out().replaceAll("\\s+", " "))
        .contains("mv_other: dropped customer")
        .contains("mv_other: 3 rows now, 4 then, 1 new, 3 different in amount");
    Cli.Result undone = cli.run("recreate", "mv_other", "--previous");
    assertThat(undone.exitCode()).isZero();
    assertThat(undone.out()).contains("mv_other is an earlier definition now");
    assertThat(database.value("SELECT count(customer) FROM mv_other")).isEqualTo("3");
  }
}
