package com.f2x.neurohub.wipviews.internal;

import java.io.FileNotFoundException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.resource.CompositeResourceAccessor;
import liquibase.resource.DirectoryResourceAccessor;
import liquibase.resource.ResourceAccessor;

/**
 * The changelog of a service, with entries of its own.
 *
 * @param path where Liquibase finds it; part of the identity of its changesets, unless they have a
 *     {@code logicalFilePath}
 * @param files resolves it, the files that it includes, and the changelogs of the jar
 * @param classes the service's class loader, for changes that it has written itself
 */
public record ServiceChangelog(String path, ResourceAccessor files, ClassLoader classes) {

  private static final String CLASSPATH = "classpath:";

  /**
   * Finds a changelog.
   *
   * @param location a resource of the class path; else a file, from the working directory on
   * @throws IllegalArgumentException if there is neither
   */
  public static ServiceChangelog of(String location) {
    String resource =
        location.startsWith(CLASSPATH) ? location.substring(CLASSPATH.length()) : location;
    String path = resource.startsWith("/") ? resource.substring(1) : resource;
    ClassLoader classes = loader();
    if (classes.getResource(path) != null) {
      return new ServiceChangelog(path, new ClassLoaderResourceAccessor(classes), classes);
    }
    Path file = Path.of(location).normalize();
    if (location.startsWith(CLASSPATH) || !Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          "there is no changelog " + location + ", neither on the class path nor as a file");
    }
    // Liquibase takes no path that leads out of the folder in which it looks
    boolean below = !file.isAbsolute() && !file.startsWith("..");
    Path folder = below ? Path.of("").toAbsolutePath() : file.toAbsolutePath().getRoot();
    Path within = below ? file : folder.relativize(file.toAbsolutePath().normalize());
    try {
      return new ServiceChangelog(
          within.toString().replace('\\', '/'),
          new CompositeResourceAccessor(
              new DirectoryResourceAccessor(folder), new ClassLoaderResourceAccessor(classes)),
          classes);
    } catch (FileNotFoundException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The thread's class loader, if it finds this jar. */
  private static ClassLoader loader() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context != null
            && context.getResource(ChangelogFiles.FOLDER + ChangelogFiles.ROOT) != null
        ? context
        : ServiceChangelog.class.getClassLoader();
  }
}
