package com.f2x.neurohub.wipviews.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import liquibase.change.core.CreateViewChange;
import liquibase.change.core.RawSQLChange;
import liquibase.change.core.SQLFileChange;
import liquibase.changelog.ChangeSet;

/** The changelogs in the jar, and what can be read from them. */
public final class ChangelogFiles {

  /** The folder inside the jar that holds the changelogs; no other jar has it. */
  public static final String FOLDER = "com/f2x/neurohub/wipviews/changelog/";

  /** The file of the changelog that a deploy runs: the engine and the WIP part. */
  public static final String ROOT = "db.changelog-root.yaml";

  /** The file of the engine alone. */
  public static final String ENGINE = "engine.changelog.yaml";

  /** The name of the engine among the changelogs that can be deployed alone. */
  public static final String ENGINE_NAME = "engine";

  /** Names of the changelogs that run only when they are named. */
  public static final List<String> OPT_IN = List.of("db-scheduler", "pg-cron");

  static final String MINIMAL_MES = "mes-schema.changelog.yaml";

  static final String MES_INDEXES = "mes-indexes.changelog.yaml";

  private static final String VIEWS = "views.changelog.yaml";

  /** How a file creates an object that a rollback removes. */
  private static final String MAKES =
      "\\bCREATE (?:OR REPLACE )?(?:INDEX CONCURRENTLY "
          + "|(?:TABLE|VIEW|FUNCTION|PROCEDURE) (?:IF NOT EXISTS )?\"\\$\\{schema\\}\"\\.)(\\w+)";

  /** How a changelog runs the file of a view that is not registered. */
  private static final String VIEW_FILE = "createView: \\{viewName: (\\w+),";

  /** What a pattern found in a file: a jar does not change, and each is asked for often. */
  private static final Map<List<String>, List<String>> NAMED = new ConcurrentHashMap<>();

  private ChangelogFiles() {}

  /**
   * Returns the file of an opt-in changelog.
   *
   * @throws IllegalArgumentException if the name is none of {@link #OPT_IN}
   */
  public static String optIn(String name) {
    if (!OPT_IN.contains(name)) {
      throw new IllegalArgumentException(
          "unknown opt-in changelog " + name + "; there are " + String.join(", ", OPT_IN));
    }
    return name + ".changelog.yaml";
  }

  /**
   * Returns the file of a changelog that can be deployed alone.
   *
   * @throws IllegalArgumentException if the name is neither that of the engine nor one of {@link
   *     #OPT_IN}
   */
  public static String alone(String name) {
    if (name.equals(ENGINE_NAME)) {
      return ENGINE;
    }
    if (!OPT_IN.contains(name)) {
      throw new IllegalArgumentException(
          "unknown changelog "
              + name
              + "; there are "
              + ENGINE_NAME
              + ", "
              + String.join(", ", OPT_IN));
    }
    return optIn(name);
  }

  /** Returns the names of the parameters that some files take, in their order. */
  public static List<String> parameterNames(List<String> files) {
    return files.stream()
        .flatMap(file -> named(file, "^  - property: \\{name: (\\w+), value: \"\"}").stream())
        .distinct()
        .toList();
  }

  /** Returns the version of the changelogs. */
  static String release() {
    return named(ENGINE, "^  - property: \\{name: wipViewsRelease, value: \"(.+)\"}").get(0);
  }

  /** Returns the names of the views of the WIP part, in refresh order. */
  public static List<String> viewNames() {
    return named(VIEWS, "^      id: (?:(?=['\"]).)?(.+?)['\"]?$");
  }

  /**
   * Returns the names of what the root changelog creates in the schema, in its order: tables,
   * views, functions and procedures; without what belongs to a table, and without the views of
   * {@link #viewNames()}.
   */
  public static List<String> objectNames() {
    return objectNames(List.of(ENGINE, ROOT));
  }

  /** The same of the engine alone. */
  public static List<String> engineObjectNames() {
    return objectNames(List.of(ENGINE));
  }

  /** The same of the WIP part alone. */
  static List<String> wipObjectNames() {
    List<String> names = new ArrayList<>(objectNames(List.of(ROOT)));
    names.removeAll(engineObjectNames());
    return names;
  }

  /** The same of all changelogs, with the indexes that they create for the MES. */
  static List<String> allObjectNames() {
    return objectNames(
        Stream.concat(
                Stream.of(ENGINE, ROOT, MES_INDEXES), OPT_IN.stream().map(ChangelogFiles::optIn))
            .toList());
  }

  /** The opt-in changelogs that create one of these objects. */
  static List<String> optInsThatMake(Set<String> objects) {
    return OPT_IN.stream()
        .filter(name -> objectNames(List.of(optIn(name))).stream().anyMatch(objects::contains))
        .toList();
  }

  /** The names of the objects that a changeset of this jar creates. */
  static Stream<String> made(ChangeSet changeSet) {
    return changeSet.getChanges().stream()
        .flatMap(
            change -> {
              if (change instanceof CreateViewChange view) {
                return Stream.of(view.getViewName());
              }
              if (change instanceof SQLFileChange file) {
                return named(file.getPath(), MAKES).stream();
              }
              return change instanceof RawSQLChange inline
                  ? matches(MAKES, inline.getSql())
                  : Stream.empty();
            });
  }

  static String text(String file) {
    try (InputStream in =
        ChangelogFiles.class.getClassLoader().getResourceAsStream(FOLDER + file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> objectNames(List<String> files) {
    return files.stream()
        .flatMap(
            file ->
                Stream.concat(
                    Stream.of(file),
                    named(file, "sqlFile: \\{path: ((?:engine|wip)/[^,}]+)").stream()))
        .flatMap(
            file -> Stream.concat(named(file, MAKES).stream(), named(file, VIEW_FILE).stream()))
        .distinct()
        .toList();
  }

  private static List<String> named(String file, String pattern) {
    return NAMED.computeIfAbsent(
        List.of(file, pattern), unread -> matches(pattern, text(file)).toList());
  }

  private static Stream<String> matches(String pattern, String text) {
    return Pattern.compile(pattern, Pattern.MULTILINE)
        .matcher(text)
        .results()
        .map(match -> match.group(1));
  }
}
