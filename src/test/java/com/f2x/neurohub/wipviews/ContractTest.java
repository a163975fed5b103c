package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What 0.1.0 promised to its users is still there: each line of the Java API and of the SQL that
 * the pages name. What there is now is in the golden files, which other tests hold to the truth.
 * More may come; what goes breaks somebody. {@code -Drelease.update=true}, for the release alone,
 * writes the files again.
 */
class ContractTest {

  private static final Path RELEASED = Path.of("src/test/resources/release/0.1.0");
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  /** Whoever gets a record from the library does not make one. */
  private static final Pattern RECORD = Pattern.compile("class (\\S+) extends java.lang.Record");

  @Test
  void the_java_api_of_the_release_is_still_there() throws IOException {
    String api = Files.readString(GOLDEN.resolve("api.txt"));
    List<String> constructors =
        RECORD.matcher(api).results().map(record -> record.group(1) + "(").toList();

    stillThere(
        "api.txt",
        api.lines()
            .filter(line -> constructors.stream().noneMatch(line::contains))
            .filter(line -> !line.isBlank())
            .toList(),
        line -> true);
  }

  @Test
  void the_sql_of_the_release_is_still_there() throws IOException {
    List<String> lines = new ArrayList<>();
    String[] sections = Files.readString(GOLDEN.resolve("schema.txt")).split("\n\n");
    for (String section : sections) {
      List<String> sectionLines = section.strip().lines().toList();
      String head = sectionLines.get(0);
      if (head.matches("(table|view|materialized view) \\w+")) {
        lines.add(head);
        sectionLines.stream()
            .skip(1)
            .map(String::strip)
            .filter(line -> !line.startsWith("constraint ") && !line.startsWith("CREATE "))
            // what a reader gets; what a column may hold and where it comes from is not his
            .map(line -> line.replaceFirst(" (not null|default|generated).*", ""))
            .forEach(column -> lines.add(head + ": " + column));
      } else if (head.matches("(function|procedure) .*")) {
        String result = sectionLines.get(1).strip();
        lines.add(
            head
                + (result.startsWith("returns ")
                    ? " " + result.replaceFirst(", \\w+, security.*", "")
                    : ""));
      }
    }
    Set<String> documented = documented();

    stillThere(
        "sql.txt",
        lines,
        line ->
            !line.matches("(function|procedure) .*")
                || documented.contains(line.replaceFirst("\\w+ (\\w+)\\(.*", "$1")));
  }

  /** The functions that the pages call. */
  private static Set<String> documented() throws IOException {
    StringBuilder pages = new StringBuilder(Files.readString(Path.of("README.md")));
    try (Stream<Path> files = Files.list(Path.of("docs"))) {
      for (Path file : files.filter(page -> page.toString().endsWith(".md")).toList()) {
        pages.append(Files.readString(file));
      }
    }
    return Pattern.compile("\\b((?:refresh|wip_view)_\\w+)\\(")
        .matcher(pages)
        .results()
        .map((MatchResult call) -> call.group(1))
        .collect(Collectors.toSet());
  }

  private static void stillThere(String file, List<String> now, Predicate<String> promised)
      throws IOException {
    Path released = RELEASED.resolve(file);
    if (Boolean.getBoolean("release.update")) {
      Files.createDirectories(RELEASED);
      Files.write(released, now.stream().filter(promised).toList());
    }

    assertThat(now).as("what %s lists", released).containsAll(Files.readAllLines(released));
  }
}
