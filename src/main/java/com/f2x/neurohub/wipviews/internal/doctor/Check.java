package com.f2x.neurohub.wipviews.internal.doctor;

import java.util.List;

/** One thing that can be wrong. To add one: a class, and its place in {@link Doctor#CHECKS}. */
interface Check {

  /** Returns its name in findings, which scripts compare. */
  String id();

  /**
   * Looks, without changing anything.
   *
   * @param site where; its connection gives up on a lock at once, and is read-only
   * @return what is wrong; empty if nothing is
   */
  List<Fault> look(Site site);
}
