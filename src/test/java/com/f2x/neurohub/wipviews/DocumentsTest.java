package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The documents lead where they say, and leave nothing out. */
class DocumentsTest {

  private static final Pattern CODE = Pattern.compile("```.*?```", Pattern.DOTALL);

  private static List<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>();
    for (Path folder : List.of(Path.of(""), Path.of("docs"))) {
      try (Stream<Path> files = Files.list(folder)) {
        files.filter(file -> file.toString().endsWith(".md")).forEach(documents::add);
      }
    }
    return documents;
  }

  private static String prose(Path document) throws IOException {
    return CODE.matcher(Files.readString(document)).replaceAll("");
  }

  private static List<String> all(String pattern, String text) {
    return Pattern.compile(pattern, Pattern.MULTILINE)
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .toList();
  }

  /** A heading as GitHub makes an anchor of it. */
  private static String anchor(String heading) {
    return heading
        .strip()
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N}_ -]", "")
        .replace(' ', '-');
  }

  @Test
  void every_link_leads_to_a_file_and_a_heading() throws IOException {
    for (Path document : documents()) {
      for (String link : all("\\]\\(([^)\\s]+)\\)", prose(document))) {
        if (link.startsWith("http")) {
          continue;
        }
        String[] parts = link.split("#", 2);
        Path target = parts[0].isEmpty() ? document : document.resolveSibling(parts[0]).normalize();
        assertThat(target).as("%s links to %s", document, link).exists();
        if (parts.length == 2) {
          assertThat(all("^#+ (.*)$", prose(target)).stream().map(DocumentsTest::anchor))
              .as("%s links to %s", document, link)
              .contains(parts[1]);
        }
      }
    }
  }

  @Test
  void every_page_is_in_the_readmes_list() throws IOException {
    String reference = Files.readString(Path.of("README.md")).split("\n## Reference\n")[1];

    for (Path document : documents()) {
      if (!document.toString().equals("README.md")) {
        assertThat(reference).contains("(" + document + ")");
      }
    }
  }

  @Test
  void every_check_of_doctor_has_its_row() throws IOException {
    String page = Files.readString(Path.of("docs/doctor.md"));

    for (Path folder :
        List.of(Path.of("changelog/engine/findings"), Path.of("changelog/wip/findings"))) {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          for (String check :
              all("CREATE OR REPLACE FUNCTION .*wip_view_find_(\\w+)", Files.readString(file))) {
            assertThat(page).contains("\n| `" + check.replace('_', '-') + "` |");
          }
        }
      }
    }
  }

  @Test
  void every_parameter_has_its_row() throws IOException {
    String deploy = Files.readString(Path.of("docs/deploy.md"));
    String schedule = Files.readString(Path.of("docs/schedule.md"));

    assertThat(WipViewsMigration.parameterNames())
        .isNotEmpty()
        .allSatisfy(name -> assertThat(deploy).contains("\n| `" + name + "` |"));
    assertThat(WipViewsMigration.parameterNames("pg-cron"))
        .isNotEmpty()
        .allSatisfy(name -> assertThat(deploy + schedule).contains("`" + name + "`"));
  }
}
