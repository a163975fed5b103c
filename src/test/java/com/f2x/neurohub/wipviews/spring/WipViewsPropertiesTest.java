package com.f2x.neurohub.wipviews.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What an IDE completes and explains in application.yaml. */
class WipViewsPropertiesTest {

  private static List<JsonNode> properties;

  @BeforeAll
  static void read() throws Exception {
    try (InputStream metadata =
        WipViewsProperties.class.getResourceAsStream(
            "/META-INF/spring-configuration-metadata.json")) {
      properties =
          JsonMapper.builder().build().readTree(metadata).get("properties").valueStream().toList();
    }
  }

  @Test
  void every_property_is_named() {
    assertThat(properties)
        .extracting(property -> property.get("name").asString())
        .filteredOn(name -> name.startsWith("wip-views."))
        .containsExactlyInAnyOrderElementsOf(names("wip-views", WipViewsProperties.class).toList());
    assertThat(properties)
        .extracting(property -> property.get("name").asString())
        .contains("management.health.wipviews.enabled", "management.endpoint.wipviews.access");
  }

  @Test
  void every_property_is_explained_in_one_line() {
    assertThat(properties)
        .allSatisfy(
            property ->
                assertThat(property.path("description").asString())
                    .as(property.get("name").asString())
                    .endsWith(".")
                    .doesNotContain("\n", "{@"));
  }

  private static Stream<String> names(String prefix, Class<?> type) {
    List<String> names = new ArrayList<>();
    for (RecordComponent component : type.getRecordComponents()) {
      String name = prefix + "." + component.getName().replaceAll("([A-Z])", "-$1").toLowerCase();
      assertThat(ConfigurationPropertyName.isValid(name)).as(name).isTrue();
      if (component.getType().isRecord()) {
        names(name, component.getType()).forEach(names::add);
      } else {
        names.add(name);
      }
    }
    return names.stream();
  }
}
