/**
 * Auto-configuration for Spring Boot 4: the beans, the URL, the actuator endpoint and the health
 * indicator, in a class for each thing that may be missing from a service.
 *
 * <p>Nothing in it is public, and nothing in it has a stereotype, so that a component scan finds
 * nothing. It may depend on every package but {@code cli} and {@code demo}.
 */
@NullMarked
package com.f2x.neurohub.wipviews.spring;

import org.jspecify.annotations.NullMarked;
