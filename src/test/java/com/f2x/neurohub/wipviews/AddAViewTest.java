package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import com.f2x.neurohub.wipviews.testing.Thorough;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A third view is one SQL file and one changelog entry: those that docs/views.md shows, taken from
 * it into a copy of the project, which is then built.
 */
@Thorough
class AddAViewTest {

  private static final Path PROJECT = Path.of("").toAbsolutePath();

  @Test
  void a_view_takes_the_file_and_the_entry_of_the_page_alone(@TempDir Path copy) throws Exception {
    for (String part :
        new String[] {
          "pom.xml", "changelog", "views", "src/main", "src/codegen", "src/test/resources"
        }) {
      copy(PROJECT.resolve(part), copy.resolve(part));
    }
    String tests = "src/test/java/com/f2x/neurohub/wipviews/";
    copy(PROJECT.resolve(tests + "testing"), copy.resolve(tests + "testing"));
    copy(
        PROJECT.resolve("src/test/resources/added-view/AddedViewTest.java"),
        copy.resolve(tests + "AddedViewTest.java"));

    String page = Files.readString(PROJECT.resolve("docs/views.md"));
    Matcher file = block(page, "```sql\n-- (views/wip_views/03_\\S+)\n(.*?)```");
    Files.writeString(copy.resolve(file.group(1)), file.group(2));
    Matcher entry = block(page, "```yaml\n(  - changeSet:\n      id: mv_equipment.*?)```");
    Files.writeString(
        copy.resolve("changelog/views.changelog.yaml"),
        "\n" + entry.group(1),
        StandardOpenOption.APPEND);

    Path log = copy.resolve("build.log");
    Process build =
        new ProcessBuilder(
                Path.of(System.getProperty("maven.home"), "bin", "mvn").toString(),
                "-q",
                "-o",
                "-B",
                "-Dmaven.repo.local=" + System.getProperty("maven.repo.local"),
                "test")
            .directory(copy.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(build.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(build.exitValue()).as(Files.readString(log)).isZero();
    assertThat(copy.resolve("target/surefire-reports"))
        .isDirectoryContaining("glob:**/TEST-*AddedViewTest.xml");
  }

  private static Matcher block(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(text);
    assertThat(matcher.find()).as("docs/views.md has " + pattern).isTrue();
    return matcher;
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    try (Stream<Path> files = Files.walk(from)) {
      files.forEach(
          file -> {
            try {
              Path target = to.resolve(from.relativize(file).toString());
              if (Files.isDirectory(file)) {
                Files.createDirectories(target);
              } else {
                Files.copy(file, target);
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }
}
