package com.f2x.neurohub.wipviews.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a run of Liquibase reads.
 *
 * @param files changelogs of the jar, in the order in which they run
 * @param service the changelog of a service, which comes after them; null for none. If it includes
 *     the root or the engine itself, that one runs, and the one among the files does not
 * @param parameters changelog parameters by name
 * @param recreate whether what can be repeated runs again
 */
public record Sources(
    List<String> files,
    @Nullable ServiceChangelog service,
    Map<String, String> parameters,
    boolean recreate) {

  private static final List<String> PARTS = List.of(ChangelogFiles.ROOT, ChangelogFiles.ENGINE);

  /** A changelog of the jar, without parameters. */
  public static Sources of(String file) {
    return new Sources(List.of(file), null, Map.of(), false);
  }

  public Sources withService(ServiceChangelog changelog) {
    return new Sources(files, changelog, parameters, recreate);
  }

  public Sources withParameter(String name, String value) {
    Map<String, String> more = new HashMap<>(parameters);
    more.put(name, value);
    return new Sources(files, service, Map.copyOf(more), recreate);
  }

  public Sources withFiles(List<String> others) {
    return new Sources(others, service, parameters, recreate);
  }

  Sources recreating() {
    return new Sources(files, service, parameters, true);
  }

  /** The same without the root or the engine, for a service that includes it. */
  Sources withoutPart() {
    List<String> others = new ArrayList<>(files);
    others.removeAll(PARTS);
    return withFiles(others);
  }

  /** The same with the engine in the root's place. */
  Sources withEngineAlone() {
    return withFiles(
        files.stream()
            .map(file -> file.equals(ChangelogFiles.ROOT) ? ChangelogFiles.ENGINE : file)
            .toList());
  }

  /** The same with all opt-in changelogs, named or not. */
  Sources withOptIns() {
    Set<String> all = new LinkedHashSet<>(files);
    ChangelogFiles.OPT_IN.stream().map(ChangelogFiles::optIn).forEach(all::add);
    return withFiles(List.copyOf(all));
  }

  /** The same without opt-in changelogs; the root, if there were no others. */
  Sources withoutOptIns() {
    return withFiles(
        hasPart() ? files.stream().filter(PARTS::contains).toList() : List.of(ChangelogFiles.ROOT));
  }

  boolean hasPart() {
    return files.stream().anyMatch(PARTS::contains);
  }

  boolean hasEngineAlone() {
    return files.contains(ChangelogFiles.ENGINE);
  }

  /** What a script names. */
  String names() {
    return String.join(
        ", ",
        Stream.concat(files.stream(), service == null ? Stream.empty() : Stream.of(service.path()))
            .toList());
  }
}
