package com.f2x.neurohub.wipviews;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.time.format.DateTimeFormatter;
import org.junit.jupiter.api.Test;

/** The arrows between the packages point one way. */
class PackagesTest {

  private static final String ROOT = "com.f2x.neurohub.wipviews";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  @Test
  void the_layers_know_only_those_below_them() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .withOptionalLayers(true)
        .layer("front ends")
        .definedBy(ROOT + ".cli..", ROOT + ".spring..")
        .layer("features")
        .definedBy(
            ROOT + ".schedule..", ROOT + ".metrics..", ROOT + ".migration..", ROOT + ".demo..")
        .layer("api")
        .definedBy(ROOT)
        .layer("internal")
        .definedBy(ROOT + ".internal..")
        .whereLayer("front ends")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("features")
        .mayOnlyBeAccessedByLayers("front ends")
        .whereLayer("api")
        .mayOnlyBeAccessedByLayers("features", "front ends")
        .whereLayer("internal")
        .mayOnlyBeAccessedByLayers("front ends", "features", "api")
        .check(CLASSES);
  }

  @Test
  void no_package_is_part_of_a_cycle() {
    slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void commands_use_the_output_and_the_report_and_not_the_other_way() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".cli.output")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(ROOT + ".cli", ROOT + ".cli.report")
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".cli.report")
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + ".cli")
        .check(CLASSES);
  }

  @Test
  void generated_code_knows_no_other_package() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".jooq..")
        .should()
        .dependOnClassesThat(
            resideInAPackage(ROOT + "..")
                .and(resideInAnyPackage(ROOT + ".jooq..").negate().as("outside jooq")))
        .check(CLASSES);
  }

  @Test
  void an_optional_library_is_known_to_its_own_package_alone() {
    only("picocli..", "cli");
    only("com.samskivert..", "cli.report");
    only("tools.jackson..", "cli", "spring");
    only("io.zonky..", "demo");
    only("com.github.kagkarlsson..", "schedule");
    only("io.micrometer..", "metrics", "spring");
    only("org.springframework..", "spring");
  }

  @Test
  void no_class_is_a_manager_a_helper_or_a_util() {
    noClasses().should().haveNameMatching(".*(Manager|Helper|Utils?)$").check(CLASSES);
  }

  /** A JVM in Cairo would write other digits, one in Ankara other letters. */
  @Test
  void what_machines_read_does_not_depend_on_where_the_jvm_runs() {
    noClasses()
        .should()
        .callMethod(String.class, "format", String.class, Object[].class)
        .orShould()
        .callMethod(String.class, "formatted", Object[].class)
        .orShould()
        .callMethod(String.class, "toLowerCase")
        .orShould()
        .callMethod(String.class, "toUpperCase")
        .orShould()
        .callMethod(DateTimeFormatter.class, "ofPattern", String.class)
        .check(CLASSES);
  }

  private static void only(String library, String... packages) {
    String[] allowed = new String[packages.length];
    for (int i = 0; i < packages.length; i++) {
      allowed[i] = ROOT + "." + packages[i] + "..";
    }
    noClasses()
        .that()
        .resideOutsideOfPackages(allowed)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .check(CLASSES);
  }
}
