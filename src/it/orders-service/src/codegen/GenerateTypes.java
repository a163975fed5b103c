import com.f2x.neurohub.wipviews.migration.WipViewsMigration;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.jooq.codegen.GenerationTool;
import org.jooq.meta.jaxb.Configuration;
import org.jooq.meta.jaxb.Database;
import org.jooq.meta.jaxb.Generator;
import org.jooq.meta.jaxb.Target;

/** Deploys the service's changelog to a server of its own, and generates the types of its views. */
class GenerateTypes {

  public static void main(String[] args) throws Exception {
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder().setLocaleConfig("locale", "C").start()) {
      WipViewsMigration.of(server.getPostgresDatabase())
          .withChangelog("src/main/resources/db/changelog.yaml")
          .update();
      GenerationTool tool = new GenerationTool();
      tool.setConnection(server.getPostgresDatabase().getConnection());
      tool.run(
          new Configuration()
              .withGenerator(
                  new Generator()
                      .withDatabase(
                          new Database()
                              .withName("org.jooq.meta.postgres.PostgresDatabase")
                              .withInputSchema("public")
                              .withIncludes("mv_.*")
                              .withOutputSchemaToDefault(true))
                      .withTarget(
                          new Target()
                              .withPackageName("com.example.orders.jooq")
                              .withDirectory(args[0]))));
    }
  }
}
