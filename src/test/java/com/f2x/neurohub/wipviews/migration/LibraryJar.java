package com.f2x.neurohub.wipviews.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/**
 * A jar of this library, packed from its compiled classes, as it is or as a version to come.
 *
 * @param file where it is
 */
record LibraryJar(Path file) {

  private static final String FOLDER = "com/f2x/neurohub/wipviews/";
  private static final Path CLASSES = classes();

  private static Path classes() {
    try {
      return Path.of(
          WipViewsMigration.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What another version has in one of its files, in every place. */
  private record Edit(String file, String pattern, String replacement) {

    String in(String text) {
      assertThat(text).as(file).containsPattern(pattern);
      return text.replaceAll(pattern, replacement);
    }
  }

  /** This version. */
  static LibraryJar current(Path folder) throws IOException {
    return pack(folder.resolve("current.jar"), "current", List.of());
  }

  /** Another one: its functions are not the same, and its dashboard has a column {@code newer}. */
  static LibraryJar newer(Path folder, String version) throws IOException {
    List<Edit> edits = new ArrayList<>();
    for (String root : List.of("db.changelog-root.yaml", "engine.changelog.yaml")) {
      edits.add(
          new Edit(
              "changelog/" + root,
              "(name: wipViewsRelease, value: )\"[0-9.]+\"",
              "$1\"" + version + "\""));
    }
    edits.add(
        new Edit(
            "changelog/engine/recreate.sql",
            Pattern.quote("AS $function$"),
            "AS \\$function\\$ -- of " + version));
    edits.add(
        new Edit(
            "views/wip_views/01_mv_wip_status_dashboard.sql",
            "AS converted_count\n",
            "AS converted_count, 99 AS newer\n"));
    return pack(folder.resolve(version + ".jar"), version, edits);
  }

  private static LibraryJar pack(Path file, String version, List<Edit> edits) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.IMPLEMENTATION_VERSION, version);
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest);
        Stream<Path> files = Files.walk(CLASSES)) {
      for (Path path : files.filter(Files::isRegularFile).toList()) {
        String name = CLASSES.relativize(path).toString().replace(File.separatorChar, '/');
        if (name.equals("META-INF/MANIFEST.MF")) {
          continue;
        }
        jar.putNextEntry(new ZipEntry(name));
        jar.write(edited(name, Files.readAllBytes(path), edits));
      }
    }
    return new LibraryJar(file);
  }

  private static byte[] edited(String name, byte[] bytes, List<Edit> edits) {
    byte[] result = bytes;
    for (Edit edit : edits) {
      if (name.equals(FOLDER + edit.file())) {
        result =
            edit.in(new String(result, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
      }
    }
    return result;
  }

  /** The class path of this JVM, with this jar in the place of the compiled classes. */
  String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(entry -> isCompiled(entry) ? file.toString() : entry)
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static boolean isCompiled(String entry) {
    try {
      return Files.exists(Path.of(entry)) && Files.isSameFile(Path.of(entry), CLASSES);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
