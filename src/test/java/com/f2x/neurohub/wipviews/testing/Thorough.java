package com.f2x.neurohub.wipviews.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * A test that takes more than about a second, since it deploys, crashes or starts something of its
 * own. {@code mvn verify} leaves it out, {@code mvn verify -Pthorough} and {@code -Dtest=CLASS} run
 * it.
 */
@Tag("thorough")
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface Thorough {}
