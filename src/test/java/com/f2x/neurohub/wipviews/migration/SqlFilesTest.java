package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The SQL that a deploy runs means the same in every database, whatever its settings. */
class SqlFilesTest {

  @Test
  void are_ascii_which_every_server_encoding_has() throws IOException {
    assertThat(lines("[^\\x00-\\x7F]")).isEmpty();
  }

  @Test
  void have_no_backslash_in_a_plain_literal() throws IOException {
    // with standard_conforming_strings = off it would escape
    assertThat(lines("(?<!\\bE)'[^']*\\\\")).allMatch(line -> line.strip().startsWith("--"));
  }

  @Test
  void name_no_schema_within_a_format() throws IOException {
    // a percent sign in its name would be a placeholder
    assertThat(lines("format\\('[^']*\\$\\{schema\\}[^']*%|RAISE \\w+ '[^']*\\$\\{schema\\}"))
        .isEmpty();
  }

  private static List<String> lines(String pattern) throws IOException {
    Pattern found = Pattern.compile(pattern);
    try (Stream<Path> files =
        Stream.of("changelog/engine", "changelog/wip", "views").flatMap(SqlFilesTest::walk)) {
      List<String> lines =
          files
              .filter(file -> file.toString().endsWith(".sql"))
              .flatMap(SqlFilesTest::lines)
              .toList();
      assertThat(lines).hasSizeGreaterThan(1000);
      return lines.stream().filter(line -> found.matcher(line).find()).toList();
    }
  }

  private static Stream<Path> walk(String folder) {
    try {
      return Files.walk(Path.of(folder));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Stream<String> lines(Path file) {
    try {
      return Files.readAllLines(file).stream();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
