import com.f2x.neurohub.wipviews.cli.WipViewsCommand;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Makes what the distribution has beside the jar: the scripts for psql, man pages, completion, and
 * the list of the classes that a command loads, all from the command line itself, so that they
 * cannot differ from it.
 *
 * <p>Run by the build: {@code java MakeDistribution.java OUTPUT_FOLDER}.
 */
class MakeDistribution {

  private static final String NAME = "wip-views";

  private final Path output;

  private MakeDistribution(Path output) {
    this.output = output;
  }

  public static void main(String[] args) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "off");
    System.setProperty("org.jooq.no-logo", "true");
    System.setProperty("org.jooq.no-tips", "true");
    java.util.logging.LogManager.getLogManager().reset();
    MakeDistribution distribution = new MakeDistribution(Path.of(args[0]));
    // starts while the pages are written
    CompletableFuture<EmbeddedPostgres> server =
        CompletableFuture.supplyAsync(MakeDistribution::start);
    CommandLine commandLine = WipViewsCommand.commandLine(Map.of());
    distribution.write("completion/wip-views.bash", completion(commandLine));
    distribution.write("man/man1/wip-views.1", man(commandLine));
    for (CommandLine command : commandLine.getSubcommands().values()) {
      distribution.write("man/man1/wip-views-" + command.getCommandName() + ".1", man(command));
    }
    distribution.by(server.join());
  }

  private void write(String file, String text) throws IOException {
    Path path = output.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private static EmbeddedPostgres start() {
    try {
      return EmbeddedPostgres.builder()
          .setPGStartupWait(Duration.ofMinutes(3))
          .setLocaleConfig("locale", "C")
          .setServerConfig("fsync", "off")
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What only a database can tell: the script that deploys, and what the commands load. */
  private void by(EmbeddedPostgres started) throws Exception {
    try (EmbeddedPostgres server = started) {
      String url = server.getJdbcUrl("postgres", "postgres");
      Map<String, String> environment =
          Map.of("WIP_VIEWS_URL", url, "WIP_VIEWS_USERNAME", "postgres");
      String mes =
          Files.readString(Path.of("changelog/mes/mes-schema.sql")).replace("${schema}", "public");
      write("sql/minimal-mes.sql", mes);
      execute(url, mes);
      String deploy = script(run(environment, "update", "--sql"));
      write("sql/deploy.sql", deploy);
      execute(url, deploy.replaceAll("(?m)^\\\\set .*", ""));
      write("lib/wip-views-cli.classes", classes(environment));
    }
  }

  private static void execute(String url, String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection(url, "postgres", "");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String run(Map<String, String> environment, String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int exitCode =
        WipViewsCommand.commandLine(environment)
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(arguments);
    if (exitCode != 0) {
      throw new IllegalStateException(String.join(" ", arguments) + ": " + err);
    }
    return out.toString();
  }

  /**
   * Without what was so on this machine, at this time; and only where nothing is deployed yet,
   * beside whatever else Liquibase has done there.
   */
  private static String script(String sql) {
    return """
    -- Deploys wip-views into the schema public of a database that it was never deployed to: psql -X -f deploy.sql
    -- For any other schema, parameters or state let wip-views update --sql print the script.
    \\set ON_ERROR_STOP on
    DO $$
    BEGIN
      IF to_regclass('public.wip_view') IS NOT NULL THEN
        RAISE EXCEPTION 'wip-views is deployed in the schema public already'
          USING HINT = 'Let wip-views update --sql print what is not deployed yet.';
      END IF;
    END
    $$;
    """
        + sql.replaceAll("(?m)^-- (Ran at|Against): .*\n", "")
            .replace(
                "CREATE TABLE \"public\".databasechangelog ",
                "CREATE TABLE IF NOT EXISTS \"public\".databasechangelog ")
            // the number by which Liquibase tells one deploy from another
            .replaceAll("(?m)'\\d{10}'\\);$", "'0000000000');");
  }

  /** What two commands load that cron runs, each in a JVM of its own. */
  private static String classes(Map<String, String> environment) throws Exception {
    TreeSet<String> classes = new TreeSet<>();
    List<Process> processes = new ArrayList<>();
    List<Path> lists = new ArrayList<>();
    for (String command : List.of("refresh", "freshness")) {
      Path list = Files.createTempFile(NAME, ".classes");
      lists.add(list);
      ProcessBuilder builder =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-XX:DumpLoadedClassList=" + list,
                  "-classpath",
                  System.getProperty("java.class.path"),
                  WipViewsCommand.class.getName(),
                  command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT);
      builder.environment().putAll(environment);
      processes.add(builder.start());
    }
    for (int i = 0; i < processes.size(); i++) {
      if (processes.get(i).waitFor() != 0) {
        throw new IllegalStateException("a command failed whose classes were to be listed");
      }
      Files.readAllLines(lists.get(i)).stream()
          .filter(line -> !line.startsWith("#"))
          // a number that is the JVM's own
          .map(line -> line.replaceAll(" id: \\d+", ""))
          .forEach(classes::add);
      Files.delete(lists.get(i));
    }
    return String.join("\n", classes) + "\n";
  }

  /** picocli's own script, and the views, whose names the database knows. */
  private static String completion(CommandLine commandLine) {
    String withViews =
        commandLine.getSubcommands().values().stream()
            .filter(command -> !command.getCommandSpec().positionalParameters().isEmpty())
            .map(CommandLine::getCommandName)
            .collect(Collectors.joining("|"));
    String withValue =
        commandLine.getSubcommands().values().stream()
            .flatMap(command -> command.getCommandSpec().options().stream())
            .filter(option -> option.arity().min() > 0)
            .flatMap(option -> Stream.of(option.names()))
            .distinct()
            .sorted()
            .collect(Collectors.joining("|"));
    String script = AutoComplete.bash(NAME, commandLine);
    return script.substring(0, script.lastIndexOf("# Define a completion specification"))
        + """
        # picocli's, and the names of the views, which the database of the environment is asked for.
        function _complete_wip-views-names() {
          _complete_wip-views
          local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
          if [[ ${#COMPREPLY[@]} -gt 0 || $current == -* ]]; then return; fi
          case $previous in
            %s) return ;;
          esac
          case ${COMP_WORDS[1]} in
            %s)
              local names
              names=$("${COMP_WORDS[0]}" freshness --format json 2>/dev/null </dev/null |
                sed -n 's/.*"view_name" *: *"\\([^"]*\\)".*/\\1/p')
              COMPREPLY+=( $(compgen -W "$names" -- "$current") )
              ;;
          esac
        }

        complete -F _complete_wip-views-names -o default wip-views
        """
            .formatted(withValue, withViews);
  }

  /** A page for man, of what --help says. */
  private static String man(CommandLine command) {
    CommandSpec spec = command.getCommandSpec();
    Help help = command.setColorScheme(Help.defaultColorScheme(Help.Ansi.OFF)).getHelp();
    String page = spec.qualifiedName("-");
    StringBuilder man = new StringBuilder();
    man.append(".TH ").append(page.toUpperCase(java.util.Locale.ROOT)).append(" 1\n");
    String[] description = spec.usageMessage().description();
    man.append(".SH NAME\n").append(page).append(" \\- ").append(roff(description[0])).append('\n');
    man.append(".SH SYNOPSIS\n").append(roff(help.synopsis(0))).append('\n');
    if (description.length > 1) {
      man.append(".SH DESCRIPTION\n");
      for (String paragraph : description) {
        man.append(".PP\n").append(roff(paragraph)).append('\n');
      }
    }
    if (!spec.subcommands().isEmpty()) {
      man.append(".SH COMMANDS\n");
      spec.subcommands()
          .forEach(
              (name, sub) ->
                  man.append(".TP\n\\fB")
                      .append(roff(name))
                      .append("\\fR\n")
                      .append(roff(sub.getCommandSpec().usageMessage().description()[0]))
                      .append('\n'));
    }
    man.append(".SH OPTIONS\n");
    spec.positionalParameters()
        .forEach(parameter -> argument(man, parameter.paramLabel(), parameter));
    spec.options().stream()
        .filter(option -> !option.hidden())
        .forEach(
            option ->
                argument(
                    man,
                    String.join(", ", option.names())
                        + (option.arity().max() == 0 ? "" : " " + option.paramLabel()),
                    option));
    man.append(".SH EXIT STATUS\n");
    spec.root()
        .usageMessage()
        .exitCodeList()
        .forEach(
            (code, meaning) ->
                man.append(".TP\n")
                    .append(roff(code.strip()))
                    .append('\n')
                    .append(roff(meaning))
                    .append('\n'));
    return man.append(".SH SEE ALSO\n")
        .append("docs/commands.md in the folder of the distribution\n")
        .toString();
  }

  private static void argument(StringBuilder man, String label, ArgSpec argument) {
    man.append(".TP\n\\fB")
        .append(roff(label))
        .append("\\fR\n")
        .append(roff(String.join(" ", argument.description())))
        .append('\n');
  }

  private static String roff(String text) {
    return text.strip()
        .replace("\\", "\\e")
        .replace("-", "\\-")
        .replaceAll("(?m)^([.'])", "\\\\&$1");
  }
}
