package com.f2x.neurohub.wipviews.internal;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.CommandLineProcess;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

@Thorough
class Slf4jLogServiceTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @TempDir private Path folder;

  @Test
  void liquibase_logs_through_slf4j_and_prints_nothing_itself() throws Exception {
    CommandLineProcess update =
        CommandLineProcess.start(
            database, folder, List.of("-Dorg.slf4j.simpleLogger.log.liquibase=info"), "update");

    assertThat(update.exitCode()).as("%s", update.errLines()).isZero();
    assertThat(update.outLines()).singleElement().asString().startsWith("No changes to deploy");
    assertThat(update.errLines())
        .allMatch(line -> line.startsWith("[main] INFO liquibase."))
        .anyMatch(line -> line.endsWith("Update command completed successfully."));
  }
}
