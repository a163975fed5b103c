package com.example.board;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NullSafetyTest {

  private static final Path BOARD = Path.of("src/test/kotlin/Board.kt");

  /** Without the folder of main classes, which this project does not have. */
  private static final String CLASS_PATH =
      Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
          .filter(entry -> Files.exists(Path.of(entry)))
          .collect(Collectors.joining(File.pathSeparator));

  @TempDir private Path folder;

  @Test
  void what_asks_where_it_has_to_is_compiled() throws IOException {
    assertEquals(ExitCode.OK, compile(Files.readString(BOARD), new StringBuilder()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fun wrong(view: Freshness): String = view.lastError()     | actual 'String?'",
        "fun wrong(view: Freshness): Int = view.lastError().length | nullable receiver",
        "fun wrong(): WipViews = WipViews.of(null as DataSource?)  | actual type is 'DataSource?'",
        "fun needless(view: Freshness): Int? = view.view()?.length | on a non-null receiver"
      })
  void what_does_not_is_refused(String line, String why) throws IOException {
    StringBuilder said = new StringBuilder();

    assertEquals(ExitCode.COMPILATION_ERROR, compile(Files.readString(BOARD) + line + "\n", said));
    assertTrue(said.toString().contains(why), said.toString());
  }

  private ExitCode compile(String source, StringBuilder said) throws IOException {
    Path file = Files.writeString(folder.resolve("Board.kt"), source);
    ByteArrayOutputStream messages = new ByteArrayOutputStream();
    ExitCode exitCode =
        new K2JVMCompiler()
            .exec(
                new PrintStream(messages, true, StandardCharsets.UTF_8),
                "-Werror",
                "-no-stdlib",
                "-no-reflect",
                "-classpath",
                CLASS_PATH,
                "-d",
                folder.resolve("classes").toString(),
                file.toString());
    said.append(messages.toString(StandardCharsets.UTF_8));
    System.out.print(said);
    return exitCode;
  }
}
