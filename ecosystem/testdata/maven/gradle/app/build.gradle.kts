plugins {
    id("org.example.boot") version "3.2.0"
}

dependencies {
    implementation(libs.json.databind)
    implementation("org.example:web") // the version is in the platform
    // implementation("org.example:commented-out:1.0")
    /* runtimeOnly("org.example:also-commented:1.0") */
    testImplementation(group = "org.example", name = "unit", version = "5.10.0")
    implementation(project(":lib"))
    val address = "https://registry.example:8080" // no package
}
