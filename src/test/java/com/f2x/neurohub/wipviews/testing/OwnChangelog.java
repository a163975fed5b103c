package com.f2x.neurohub.wipviews.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The changelog of a service, written by a test.
 *
 * @param file where it is
 * @param text what is in it
 */
public record OwnChangelog(Path file, String text) {

  /** An empty one. */
  public static OwnChangelog in(Path folder) {
    return new OwnChangelog(
        folder.resolve("changelog.yaml"),
        "databaseChangeLog:\n  - logicalFilePath: service/changelog.yaml\n");
  }

  /** The same with an entry of a view. */
  public OwnChangelog with(OwnView view) throws IOException {
    return with(
        view.name(),
        "runOnChange: true",
        "SELECT \"${schema}\".wip_view_stage('" + view.name() + "')",
        view.sql(),
        "SELECT \"${schema}\".wip_view_promote('" + view.name() + "')");
  }

  /** The same with another changeset. */
  public OwnChangelog with(String id, String attribute, String... statements) throws IOException {
    StringBuilder more = new StringBuilder(text);
    more.append("  - changeSet:\n      id: ").append(id);
    more.append("\n      author: service\n      ").append(attribute).append("\n      changes:\n");
    for (String statement : statements) {
      more.append("        - sql:\n            splitStatements: false\n            sql: |-\n");
      more.append(statement.strip().indent(14));
    }
    Files.writeString(file, more);
    return new OwnChangelog(file, more.toString());
  }

  /** Where it is, for {@code withChangelog}. */
  public String location() {
    return file.toString();
  }
}
