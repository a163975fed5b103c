package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.List;

/**
 * What a check found.
 *
 * @param check id of the check
 * @param looked false if the check could not look: what is then the reason
 * @param subject name of the view, table, index or role that it is about; null if of none
 * @param what what is wrong, one sentence
 * @param why why it matters, one sentence
 * @param remedy what to run, in this order: SQL ends in a semicolon, anything else is a command
 *     line
 * @param safe whether all of the remedy may be run without a second thought
 */
public record Fault(
    String check,
    boolean looked,
    String subject,
    String what,
    String why,
    List<String> remedy,
    boolean safe) {

  public Fault {
    remedy = List.copyOf(remedy);
  }

  /**
   * Returns a statement about relations.
   *
   * @param statement its beginning, such as {@code ANALYZE}
   * @param relations their names, for SQL
   * @return the statement; none where there are no relations, of which it would mean others
   */
  static List<String> about(String statement, List<String> relations) {
    return relations.isEmpty()
        ? List.of()
        : List.of(statement + " " + String.join(", ", relations) + ";");
  }

  /** A fault whose remedy takes a person to decide. */
  static Fault of(Check check, String subject, String what, String why, String... remedy) {
    return of(check, subject, what, why, List.of(remedy));
  }

  /** The same; without a remedy, a person has to find one. */
  static Fault of(Check check, String subject, String what, String why, List<String> remedy) {
    return new Fault(check.id(), true, subject, what, why, remedy, false);
  }

  /** The same fault, whose remedy changes nothing that anybody could miss, and delays nobody. */
  Fault thatIsSafe() {
    return new Fault(check, looked, subject, what, why, remedy, !remedy.isEmpty());
  }
}
