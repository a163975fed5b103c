package com.f2x.neurohub.wipviews.cli;

import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What was wrong with the arguments, without repeating what may be a password among them. */
final class UsageMessage {

  private static final Pattern OPTION = Pattern.compile("--[a-z-]+");

  private UsageMessage() {}

  static String of(ParameterException failure) {
    if (failure instanceof MutuallyExclusiveArgsException) {
      return "give only one of "
          + OPTION
              .matcher(failure.getMessage())
              .results()
              .map(MatchResult::group)
              .collect(Collectors.joining(" and "));
    }
    if (!(failure instanceof UnmatchedArgumentException unmatched)) {
      return failure.getMessage();
    }
    List<String> options =
        unmatched.getUnmatched().stream()
            .filter(argument -> argument.startsWith("-"))
            .map(argument -> argument.replaceFirst("=.*", ""))
            .toList();
    if (options.contains("--password")) {
      return "there is no option --password, since everybody could see it in the list of processes:"
          + " use --password-file, WIP_VIEWS_PASSWORD or PGPASSWORD";
    }
    if (!options.isEmpty()) {
      return "unknown option " + options.stream().collect(Collectors.joining(", "));
    }
    String first = unmatched.getUnmatched().get(0);
    boolean command = unmatched.getCommandLine().getParent() == null;
    return command ? "unknown command \"" + first + "\"" : "unexpected argument \"" + first + "\"";
  }
}
