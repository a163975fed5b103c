package com.f2x.neurohub.wipviews.cli;

import com.f2x.neurohub.wipviews.UnknownViewException;
import com.f2x.neurohub.wipviews.WipViewsException;
import com.f2x.neurohub.wipviews.cli.output.Formats;
import com.f2x.neurohub.wipviews.cli.output.Output;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line: {@code java -jar wip-views-cli.jar COMMAND}. */
@Command(
    name = WipViewsCommand.NAME,
    description = "Materialized views of work in progress on PostgreSQL.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    scope = ScopeType.INHERIT,
    versionProvider = WipViewsCommand.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:done",
      " 1:failed; one line on standard error says why, and what to do",
      " 2:wrong usage",
      " 3:unhealthy: a view is not fresh, or the doctor found something"
    })
public final class WipViewsCommand implements Runnable {

  static final String NAME = "wip-views";

  /** In the order of the help; each class has the name of its command. */
  static final List<Class<?>> COMMANDS =
      List.of(
          DemoCommand.class,
          PlanCommand.class,
          UpdateCommand.class,
          RefreshCommand.class,
          FreshnessCommand.class,
          HistoryCommand.class,
          ReportCommand.class,
          DoctorCommand.class,
          BlockersCommand.class,
          RecreateCommand.class,
          FreezeCommand.class,
          ThawCommand.class,
          ScheduleCommand.class,
          RollbackCommand.class);

  /** Exit code: the work was done, and its result is that something is wrong. */
  static final int UNHEALTHY = 3;

  private final Map<String, String> environment;

  /** SQLSTATE query_canceled. */
  private static final String CANCELLED = "57014";

  /** Exit code of a Unix tool whose reader has gone: 128 and the number of SIGPIPE. */
  static final int NOBODY_READS = 141;

  /** What the type of a file in st_mode is, and a pipe's. */
  private static final int FILE_TYPE = 0170000;

  private static final int PIPE = 0010000;

  /** Where the output of this process goes; null if it is not the process's own. */
  private @Nullable Path standardOutput;

  /** Whether a signal ends this process: what fails from then on fails because of that. */
  private volatile boolean signalled;

  /** How long a command that was interrupted may take to end. */
  private volatile Duration shutdownTimeout = Duration.ofSeconds(5);

  @Spec private CommandSpec spec;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show logs, and the stack trace of an error.")
  private boolean debug;

  WipViewsCommand(Map<String, String> environment) {
    this.environment = environment;
  }

  /**
   * Runs a command, and ends the JVM with its exit code unless that is 0.
   *
   * @param args the command and its options
   */
  public static void main(String[] args) {
    Logging.configure(List.of(args).contains("--debug"));
    WipViewsCommand root = new WipViewsCommand(System.getenv());
    Thread onSignal = root.endWith(Thread.currentThread());
    Runtime.getRuntime().addShutdownHook(onSignal);
    root.standardOutput = Path.of("/dev/stdout");
    int exitCode =
        commandLine(root, named(args))
            .setOut(writer(System.out))
            .setErr(writer(System.err))
            .execute(args);
    try {
      Runtime.getRuntime().removeShutdownHook(onSignal);
    } catch (IllegalStateException e) {
      // The JVM is ending already, and waits for this thread.
      return;
    }
    // The demo runs inside Maven too, which wants to end by itself.
    if (exitCode != 0) {
      System.exit(exitCode);
    }
  }

  /**
   * What Ctrl-C and SIGTERM do: a running refresh is cancelled on the server, which the end of the
   * process alone would not do, and that is put on record.
   */
  private Thread endWith(Thread command) {
    return new Thread(
        () -> {
          signalled = true;
          command.interrupt();
          try {
            command.join(shutdownTimeout.toMillis());
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        },
        "wip-views-signal");
  }

  /** Gives a command more time to end when it is interrupted. */
  void shutdownTimeout(Duration time) {
    shutdownTimeout = time;
  }

  /**
   * Returns the command line, which ends no JVM and writes wherever it is told to.
   *
   * @param environment the variables that it reads
   */
  public static CommandLine commandLine(Map<String, String> environment) {
    return commandLine(new WipViewsCommand(environment), COMMANDS);
  }

  /**
   * The command that is named, so that no time goes by with the options of the others, which
   * picocli reads by reflection; all, for a help or an error.
   */
  static List<Class<?>> named(String... args) {
    List<Class<?>> named =
        COMMANDS.stream()
            .filter(
                command ->
                    args.length > 0
                        && command.getSimpleName().equalsIgnoreCase(args[0] + "Command"))
            .toList();
    return named.isEmpty() ? COMMANDS : named;
  }

  private static CommandLine commandLine(WipViewsCommand root, List<Class<?>> commands) {
    CommandLine commandLine = new CommandLine(root);
    commands.forEach(commandLine::addSubcommand);
    return commandLine
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpWidth(Output.WIDTH)
        .setUsageHelpAutoWidth(false)
        .setExecutionStrategy(WipViewsCommand::execute)
        .setExitCodeExceptionMapper(WipViewsCommand::exitCode)
        .setParameterExceptionHandler(WipViewsCommand::wrongUsage)
        .setExecutionExceptionHandler(WipViewsCommand::failed);
  }

  /** A script that was cut short must not pass for a whole one. */
  private static int execute(ParseResult parsed) {
    int exitCode = new CommandLine.RunLast().execute(parsed);
    CommandLine command = parsed.commandSpec().commandLine();
    if (command.getOut().checkError()) {
      if (root(command).writesToPipe()) {
        return NOBODY_READS;
      }
      printError(
          command, "not all of the output could be written", "Check whether the disk is full.");
      return CommandLine.ExitCode.SOFTWARE;
    }
    return exitCode;
  }

  /** What cannot be written to a pipe, nobody reads: {@code | head} has seen enough. */
  private boolean writesToPipe() {
    try {
      return standardOutput != null
          && ((int) Files.getAttribute(standardOutput, "unix:mode") & FILE_TYPE) == PIPE;
    } catch (IOException | UnsupportedOperationException e) {
      // a platform that has no such file, or tells no such type
      return false;
    }
  }

  /**
   * A terminal has its own encoding; a pipe or a file gets UTF-8, and so does an ASCII terminal.
   */
  private static PrintWriter writer(PrintStream stream) {
    Charset charset =
        System.console() == null ? StandardCharsets.UTF_8 : System.console().charset();
    return new PrintWriter(
        new OutputStreamWriter(
            new ErrorCheckingStream(stream),
            charset.equals(StandardCharsets.US_ASCII) ? StandardCharsets.UTF_8 : charset),
        true);
  }

  Map<String, String> environment() {
    return environment;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "name a command: " + commands());
  }

  private String commands() {
    return String.join(", ", spec.subcommands().keySet());
  }

  private static int exitCode(Throwable failure) {
    return failure instanceof UnknownViewException
        ? CommandLine.ExitCode.USAGE
        : CommandLine.ExitCode.SOFTWARE;
  }

  private static int failed(Exception failure, CommandLine command, ParseResult parsed) {
    WipViewsException described = WipViewsException.of(null, failure);
    if (root(command).signalled && !described.sqlState().equals(Optional.of(CANCELLED))) {
      printError(command, "stopped by a signal", "");
    } else {
      printError(command, described.getMessage(), described.remedy().orElse(""));
    }
    trace(command, failure);
    return exitCode(failure);
  }

  private static int wrongUsage(ParameterException failure, String[] args) {
    CommandLine command = failure.getCommandLine();
    printError(
        command,
        UsageMessage.of(failure),
        "See " + command.getCommandSpec().qualifiedName() + " --help.");
    trace(command, failure);
    return CommandLine.ExitCode.USAGE;
  }

  private static void printError(CommandLine command, String message, String remedy) {
    new Output(command)
        .printError((Formats.sentence(message) + " " + Formats.sentence(remedy)).strip());
  }

  private static WipViewsCommand root(CommandLine command) {
    return (WipViewsCommand) command.getCommandSpec().root().userObject();
  }

  private static void trace(CommandLine command, Exception failure) {
    if (root(command).debug) {
      PrintWriter err = command.getErr();
      failure.printStackTrace(err);
      err.flush();
    }
  }

  /** A PrintStream keeps an error to itself. */
  private static final class ErrorCheckingStream extends FilterOutputStream {

    private final PrintStream stream;

    ErrorCheckingStream(PrintStream stream) {
      super(stream);
      this.stream = stream;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      stream.write(bytes, offset, length);
    }

    @Override
    public void flush() throws IOException {
      if (stream.checkError()) {
        throw new IOException("the stream accepts no more output");
      }
    }
  }

  /** The version of the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = WipViewsCommand.class.getPackage().getImplementationVersion();
      return new String[] {NAME + " " + (version == null ? "(not from a jar)" : version)};
    }
  }
}
