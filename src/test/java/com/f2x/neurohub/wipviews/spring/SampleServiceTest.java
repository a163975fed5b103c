package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.config.YamlPropertiesFactoryBean;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.FileSystemResource;
import org.springframework.core.io.Resource;

/** What docs/spring.md shows of a Spring Boot service is what the service under src/it has. */
class SampleServiceTest {

  private static final Path SAMPLE = Path.of("src/it/spring-boot-service/src/main");
  private static final Path TESTS =
      Path.of("src/it/spring-boot-service/src/test/java/com/example/mes");

  private static List<String> blocks(String language, String containing) throws IOException {
    return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(Path.of("docs/spring.md")))
        .results()
        .map((MatchResult block) -> block.group(1))
        .filter(block -> block.contains(containing))
        .toList();
  }

  /** Whatever the margin is, which says where a line breaks. */
  private static String unbroken(String code) {
    return code.replaceAll("\\s+", "");
  }

  @Test
  void the_filter_chains_of_the_page_are_those_that_are_tested() throws IOException {
    String security =
        unbroken(Files.readString(SAMPLE.resolve("java/com/example/mes/Security.java")));

    assertThat(blocks("java", "SecurityFilterChain"))
        .hasSize(2)
        .allSatisfy(chain -> assertThat(security).contains(unbroken(chain)));
  }

  @Test
  void the_tests_on_the_page_are_those_that_are_run() throws IOException {
    String tests =
        unbroken(
            Files.readString(TESTS.resolve("EmbeddedServerTest.java"))
                + Files.readString(TESTS.resolve("ContainerTest.java")));

    assertThat(blocks("java", "installMinimalMes"))
        .hasSize(2)
        .allSatisfy(shown -> assertThat(tests).contains(unbroken(shown.replaceAll("//.*", ""))));
  }

  @Test
  void the_properties_of_the_page_are_those_that_are_tested() throws IOException {
    List<String> shown = blocks("yaml", "wip-views:\n  lock-timeout");

    assertThat(shown).hasSize(1);
    assertThat(properties(new FileSystemResource(SAMPLE.resolve("resources/application.yaml"))))
        .containsAllEntriesOf(properties(new ByteArrayResource(shown.get(0).getBytes())));
  }

  @Test
  void every_property_is_on_the_page() throws IOException {
    String page = Files.readString(Path.of("docs/spring.md"));
    List<String> names =
        Pattern.compile("\"name\": \"([^\"]+)\",\\s+\"type\": \"[^\"]+\",\\s+\"description\"")
            .matcher(
                Files.readString(
                    Path.of("target/classes/META-INF/spring-configuration-metadata.json")))
            .results()
            .map((MatchResult name) -> name.group(1))
            .toList();

    assertThat(names)
        .hasSizeGreaterThan(10)
        .allSatisfy(name -> assertThat(page).contains("\n| `" + name + "` |"));
  }

  private static Properties properties(Resource yaml) {
    YamlPropertiesFactoryBean properties = new YamlPropertiesFactoryBean();
    properties.setResources(yaml);
    return properties.getObject();
  }
}
