package com.f2x.neurohub.wipviews;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What other services compile against, against a golden file: any change of it shows as a diff in
 * review. {@code -Dgolden.update=true} writes the file again. The generated types follow from the
 * schema, which has a golden file of its own.
 */
class PublicApiTest {

  private static final Path GOLDEN = Path.of("src/test/resources/golden/api.txt");
  private static final String ROOT = "com.f2x.neurohub.wipviews.";
  private static final List<String> UNPUBLISHED =
      List.of(ROOT + "internal.", ROOT + "cli.", ROOT + "demo.", ROOT + "jooq.");

  @Test
  void the_public_api_is_the_one_in_the_golden_file() throws Exception {
    String api =
        classes()
            .filter(PublicApiTest::isPublished)
            .map(PublicApiTest::describe)
            .sorted()
            .collect(Collectors.joining("\n"));
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(GOLDEN, api);
    }

    assertThat(GOLDEN)
        .as("%s; if the change is meant, run this test with -Dgolden.update=true", GOLDEN)
        .hasContent(api);
  }

  private static Stream<Class<?>> classes() throws Exception {
    Path folder =
        Path.of(WipViews.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .map(file -> folder.relativize(file).toString().replace(File.separatorChar, '.'))
          .filter(file -> file.endsWith(".class") && !file.endsWith("-info.class"))
          .map(file -> file.substring(0, file.length() - ".class".length()))
          .filter(name -> UNPUBLISHED.stream().noneMatch(name::startsWith))
          .<Class<?>>map(PublicApiTest::load)
          .toList()
          .stream();
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, PublicApiTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isPublished(Class<?> type) {
    return Modifier.isPublic(type.getModifiers())
        && (type.getEnclosingClass() == null || isPublished(type.getEnclosingClass()));
  }

  private static String describe(Class<?> type) {
    return Stream.of(
            Stream.of(type.toGenericString() + above(type)),
            members(type.getDeclaredFields()).map(Field::toGenericString),
            members(type.getDeclaredConstructors()).map(Constructor::toGenericString),
            members(type.getDeclaredMethods()).map(Method::toGenericString))
        .map(lines -> lines.sorted().collect(Collectors.joining("\n  ")))
        .filter(line -> !line.isEmpty())
        .collect(Collectors.joining("\n  ", "", "\n"));
  }

  private static String above(Class<?> type) {
    String interfaces =
        Stream.of(type.getGenericInterfaces())
            .map(Type::getTypeName)
            .sorted()
            .collect(Collectors.joining(", "));
    return (type.getSuperclass() == null
            ? ""
            : " extends " + type.getGenericSuperclass().getTypeName())
        + (interfaces.isEmpty() ? "" : " implements " + interfaces);
  }

  /**
   * What a subclass or a caller outside the package sees; bridges and lambdas are the compiler's.
   */
  private static <M extends Member> Stream<M> members(M[] members) {
    return Stream.of(members)
        .filter(
            member ->
                Modifier.isPublic(member.getModifiers())
                    || Modifier.isProtected(member.getModifiers()))
        .filter(member -> !member.isSynthetic());
  }
}
