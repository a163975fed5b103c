package com.f2x.neurohub.wipviews;

import static com.f2x.neurohub.wipviews.jooq.Tables.MV_PROCESS_WIP_QUEUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.f2x.neurohub.wipviews.testing.PostgresServer;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Python of docs/schedule.md, as it is printed, on the SQLAlchemy of Debian or of another
 * interpreter: {@code -Dpython=/path/to/python}.
 */
class PythonTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  private static final String PYTHON = System.getProperty("python", "/usr/bin/python3");

  /** What the service has. */
  private static final String APP_DATABASE =
      """
      from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
      from sqlalchemy.orm import sessionmaker

      engine = create_async_engine("postgresql+asyncpg://%s")
      AsyncSessionLocal = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
      """;

  private static final String ENGINE =
      """
      from sqlalchemy import create_engine, text

      engine = create_engine("postgresql+psycopg2://%s")
      """;

  @TempDir private Path folder;

  private final WipViews views = WipViews.of(database.dataSource());

  @BeforeAll
  static void needs_sqlalchemy_and_its_drivers() throws Exception {
    boolean there =
        Files.isExecutable(Path.of(PYTHON))
            && new ProcessBuilder(PYTHON, "-c", "import sqlalchemy, asyncpg, psycopg2")
                    .start()
                    .waitFor()
                == 0;
    if (!there) {
      System.out.println(
          "SKIPPED: "
              + PYTHON
              + " lacks sqlalchemy, asyncpg or psycopg2 (apt-get install python3-sqlalchemy"
              + " python3-asyncpg python3-psycopg2)");
    }
    assumeTrue(there, PYTHON + " with sqlalchemy, asyncpg and psycopg2");
  }

  @Thorough
  @Test
  void the_services_session_factory_refreshes_all_views() throws Exception {
    long before = lastRefresh();
    Files.createDirectory(folder.resolve("app"));
    Files.writeString(folder.resolve("app/database.py"), APP_DATABASE.formatted(url()));

    run(block("AsyncSessionLocal") + "\nimport asyncio\nasyncio.run(refresh_wip_views())\n");

    refreshedAfter(before);
  }

  @Test
  void an_engine_refreshes_all_views() throws Exception {
    long before = lastRefresh();

    run(ENGINE.formatted(url()) + "\n" + block("engine.connect()"));

    refreshedAfter(before);
  }

  private long lastRefresh() {
    return views.history(MV_PROCESS_WIP_QUEUE, 1).get(0).id();
  }

  private void refreshedAfter(long refresh) {
    assertThat(views.history(null, 2))
        .allMatch(one -> one.id() > refresh)
        .extracting(Refresh::outcome)
        .containsOnly(Refresh.Outcome.REFRESHED);
  }

  private static String url() {
    return "%s:%s@%s:%d/%s"
        .formatted(
            database.user(),
            database.password(),
            PostgresServer.get().host(),
            PostgresServer.get().port(),
            database.name());
  }

  /** The one block of Python in docs/schedule.md that contains a text. */
  private static String block(String text) throws IOException {
    List<String> blocks =
        Pattern.compile("```python\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(Path.of("docs/schedule.md")))
            .results()
            .map((MatchResult block) -> block.group(1))
            .filter(block -> block.contains(text))
            .toList();
    assertThat(blocks).as("blocks of Python with " + text).hasSize(1);
    return blocks.get(0);
  }

  private void run(String script) throws Exception {
    Files.writeString(folder.resolve("job.py"), script);
    Process python =
        new ProcessBuilder(PYTHON, "job.py")
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(python.waitFor()).as(output).isZero();
  }
}
