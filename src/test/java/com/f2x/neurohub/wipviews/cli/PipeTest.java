package com.f2x.neurohub.wipviews.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Await;
import com.f2x.neurohub.wipviews.testing.TestDatabase;
import com.f2x.neurohub.wipviews.testing.Thorough;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a process among others. */
@Thorough
class PipeTest {

  @RegisterExtension static final TestDatabase database = TestDatabase.deployed();

  @TempDir private Path folder;

  @Test
  void a_reader_that_has_seen_enough_is_told_nothing() throws Exception {
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-classpath",
            System.getProperty("java.class.path"),
            WipViewsCommand.class.getName(),
            "update",
            "--sql",
            "--url",
            database.url(),
            "--username",
            database.user());
    builder.environment().put("WIP_VIEWS_PASSWORD", database.password());
    builder.redirectError(err.toFile());
    Process process = builder.start();
    process.getInputStream().close();

    Await.until("the command has ended", () -> !process.isAlive());

    assertThat(process.exitValue()).isEqualTo(WipViewsCommand.NOBODY_READS);
    assertThat(Files.readString(err, StandardCharsets.UTF_8)).isEmpty();
  }
}
