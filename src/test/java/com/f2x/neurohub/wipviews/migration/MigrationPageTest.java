package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.Finding;
import com.f2x.neurohub.wipviews.Freshness;
import com.f2x.neurohub.wipviews.WipViews;
import com.f2x.neurohub.wipviews.demo.Readers;
import com.f2x.neurohub.wipviews.testing.OwnView;
import com.f2x.neurohub.wipviews.testing.PostgresServer;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import liquibase.Scope;
import liquibase.command.CommandScope;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.DirectoryResourceAccessor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * docs/migrations.md, as it is printed: each change of a table under the views, by Alembic and by
 * Liquibase, while people read the views. Alembic is that of Debian (python3-alembic,
 * python3-psycopg2), or of another interpreter: {@code -Dpython=/path/to/python}.
 */
@Thorough
class MigrationPageTest {

  private static final String PYTHON = System.getProperty("python", "/usr/bin/python3");

  private static final String QUERY = "SELECT id AS lot_id, %s AS passed%s FROM lots";

  private static final String ENV =
      """
      import sqlalchemy as sa
      from alembic import context

      engine = sa.create_engine("postgresql+psycopg2://%s")
      with engine.connect() as connection:
          context.configure(connection=connection)
          with context.begin_transaction():
              context.run_migrations()
      """;

  private static final String VERSION =
      """
      from alembic import op
      import sqlalchemy as sa

      revision = "%s"
      down_revision = None

      %s
      """;

  /** What runs a migration that the page prints. */
  private interface Tool {
    void run(int number) throws Exception;
  }

  private final TestDatabase database = TestDatabase.deployed();
  private WipViewsMigration migration;

  @TempDir private Path folder;

  @BeforeEach
  void people_read_the_views() throws Exception {
    database.create();
    migration = WipViewsMigration.of(database.dataSource());
    database.execute(
        "INSERT INTO lots (lot_number, product_model_id, production_date, status,"
            + " passed_quantity, failed_quantity) SELECT 'L' || n, 1, current_date, 'IN_PROGRESS',"
            + " n, 0 FROM generate_series(1, 50) AS n",
        "INSERT INTO wip_items (wip_id, lot_id, sequence_in_lot, status)"
            + " SELECT 'W' || id, id, 1, 'IN_PROGRESS' FROM lots");
    deploy("passed_quantity", ", failed_quantity AS failed");
    WipViews.of(database.dataSource()).refreshAll();
    database.execute(
        "CREATE VIEW board AS SELECT lot_id, lot_number, passed"
            + " FROM mv_wip_status_dashboard JOIN mv_lot_yield USING (lot_id)");
  }

  @AfterEach
  void drop() throws Exception {
    database.drop();
  }

  private void deploy(String passed, String more) throws Exception {
    new OwnView("mv_lot_yield", QUERY.formatted(passed, more), "lot_id").promoteIn(database);
  }

  @Test
  void by_liquibase_each_change_goes_through_under_readers() throws Exception {
    List<String> blocks = blocks("yaml");
    each(number -> liquibase(blocks.get(number)));
  }

  @Test
  void by_alembic_each_change_goes_through_under_readers() throws Exception {
    assumeAlembic();
    List<String> blocks = blocks("python");
    each(number -> alembic(number, blocks.get(number)));
  }

  private void each(Tool tool) throws Exception {
    // not under readers: to refuse it, PostgreSQL locks the views from below, and they from above
    assertThatThrownBy(() -> tool.run(1)).hasMessageContaining("failed_quantity");
    Readers readers =
        Readers.start(database.dataSource(), 2, "SELECT lot_id, lot_number, passed FROM board");

    tool.run(0);
    deploy("passed_quantity", ", failed_quantity AS failed, scrapped_quantity AS scrapped");

    deploy("passed_quantity", ", scrapped_quantity AS scrapped");
    tool.run(1);

    tool.run(2);
    assertThat(drift())
        .containsExactly(
            "its file names columns that were renamed since: public.lots.passed_quantity is called"
                + " good_quantity now");
    deploy("good_quantity", ", scrapped_quantity AS scrapped");
    assertThat(drift()).isEmpty();

    assertThatThrownBy(() -> tool.run(3)).hasMessageContaining("status");
    migration.freeze(List.of());
    tool.run(3);
    migration.thaw(List.of());

    Readers.Result result = readers.stop();
    assertThat(result.errors()).as(result.firstError()).isZero();
    assertThat(result.reads()).isPositive();
    System.out.println("longest read while the tables were migrated: " + result.slowest());
    assertThat(WipViews.of(database.dataSource()).freshness())
        .extracting(Freshness::state)
        .containsOnly(Freshness.State.FRESH);
    assertThat(
            database.value(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                    + " WHERE attrelid = 'wip_items'::regclass AND attname = 'status'"))
        .isEqualTo("character varying(30)");
  }

  private List<String> drift() {
    return WipViews.of(database.dataSource()).diagnose().stream()
        .filter(finding -> finding.check().equals("drift"))
        .map(Finding::what)
        .toList();
  }

  /** The blocks of a language, in the order of the page: add, drop, rename, retype. */
  private static List<String> blocks(String language) throws IOException {
    List<String> blocks =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("docs/migrations.md")))
            .results()
            .map(block -> block.group(1))
            .toList();
    assertThat(blocks).as("migrations in " + language).hasSize(4);
    return blocks;
  }

  private void liquibase(String changelog) throws Exception {
    Files.writeString(folder.resolve("mes.yaml"), changelog);
    try (Connection connection = database.connect()) {
      CommandScope update =
          new CommandScope("update")
              .setOutput(OutputStream.nullOutputStream())
              .addArgumentValue("changelogFile", "mes.yaml")
              .addArgumentValue(
                  "database",
                  DatabaseFactory.getInstance()
                      .findCorrectDatabaseImplementation(new JdbcConnection(connection)));
      Scope.child(
          Map.of(
              "liquibase.analytics.enabled",
              "false",
              Scope.Attr.resourceAccessor.name(),
              new DirectoryResourceAccessor(folder)),
          update::execute);
    }
  }

  private static void assumeAlembic() throws Exception {
    boolean there =
        Files.isExecutable(Path.of(PYTHON))
            && new ProcessBuilder(PYTHON, "-c", "import alembic, psycopg2").start().waitFor() == 0;
    if (!there) {
      System.out.println(
          "SKIPPED: "
              + PYTHON
              + " lacks alembic or psycopg2 (apt-get install python3-alembic python3-psycopg2)");
    }
    assumeTrue(there, PYTHON + " with alembic and psycopg2");
  }

  /** A project with this one migration, so that one that was refused can be run again. */
  private void alembic(int number, String upgrade) throws Exception {
    Path project = Files.createTempDirectory(folder, "alembic");
    Files.createDirectory(project.resolve("versions"));
    Files.writeString(
        project.resolve("alembic.ini"), "[alembic]\nscript_location = " + project + "\n");
    Files.writeString(
        project.resolve("env.py"),
        ENV.formatted(
            "%s:%s@%s:%d/%s"
                .formatted(
                    database.user(),
                    database.password(),
                    PostgresServer.get().host(),
                    PostgresServer.get().port(),
                    database.name())));
    Files.writeString(
        project.resolve("versions/change.py"), VERSION.formatted("change" + number, upgrade));
    database.execute("DROP TABLE IF EXISTS alembic_version");
    List<String> command = new ArrayList<>(List.of(PYTHON, "-m", "alembic", "upgrade", "head"));
    Process alembic =
        new ProcessBuilder(command).directory(project.toFile()).redirectErrorStream(true).start();
    String output = new String(alembic.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (alembic.waitFor() != 0) {
      throw new IllegalStateException(output);
    }
  }
}
