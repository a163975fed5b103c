package com.example.mes;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class MesDashboard {

  public static void main(String[] arguments) {
    SpringApplication.run(MesDashboard.class, arguments);
  }
}
