package com.f2x.neurohub.wipviews.internal;

import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import liquibase.change.AbstractSQLChange;
import liquibase.change.core.RawSQLChange;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.DatabaseChangeLog;

/**
 * The entry of a view in a changelog: the changeset that promotes it.
 *
 * @param view the view's name
 * @param changelog the changelog that keeps it, as the registry has it
 * @param changeSet the changeset
 */
record Entry(String view, String changelog, ChangeSet changeSet) {

  private static final String NAME = "'((?:[^']|'')+)'";

  private static final Pattern PROMOTES =
      Pattern.compile("\\bwip_view_promote\\s*\\(\\s*(?:view_name\\s*[:=]?=>?\\s*)?" + NAME);

  private static final Pattern STAGES_FROM =
      Pattern.compile(
          "\\bwip_view_stage\\s*\\(\\s*(?:view_name\\s*[:=]?=>?\\s*)?"
              + NAME
              + "\\s*,\\s*(?:changelog\\s*[:=]?=>?\\s*)?"
              + NAME);

  /** Tells whether a changeset is one of this library's. */
  static boolean isOurs(ChangeSet changeSet) {
    return changeSet.getAuthor().equals("wip-views")
        && changeSet.getFilePath().startsWith("wip-views/");
  }

  /** Returns the entries of a changelog, in its order. */
  static List<Entry> in(DatabaseChangeLog changelog) {
    return changelog.getChangeSets().stream().flatMap(one -> of(one).stream()).toList();
  }

  /** Returns the entries of a changeset. */
  static List<Entry> of(ChangeSet changeSet) {
    String sql = sql(changeSet);
    Map<String, String> named =
        STAGES_FROM
            .matcher(sql)
            .results()
            .collect(Collectors.toMap(at -> text(at, 1), at -> text(at, 2), (one, same) -> one));
    String file = DatabaseChangeLog.normalizePath(changeSet.getFilePath());
    return PROMOTES
        .matcher(sql)
        .results()
        .map(at -> text(at, 1))
        .map(view -> new Entry(view, named.getOrDefault(view, file), changeSet))
        .toList();
  }

  /** Returns the names of what a changeset makes: objects of this jar, and views. */
  static List<String> made(ChangeSet changeSet) {
    return Stream.concat(
            isOurs(changeSet) ? ChangelogFiles.made(changeSet) : Stream.empty(),
            of(changeSet).stream().map(Entry::view))
        .distinct()
        .toList();
  }

  private static String sql(ChangeSet changeSet) {
    return changeSet.getChanges().stream()
        // ours are inline, and our files define the functions
        .flatMap(
            change ->
                change instanceof AbstractSQLChange sql
                        && (change instanceof RawSQLChange || !isOurs(changeSet))
                    ? Stream.of(sql.getSql())
                    : Stream.empty())
        .collect(Collectors.joining("\n"));
  }

  private static String text(MatchResult match, int group) {
    return match.group(group).replace("''", "'");
  }
}
