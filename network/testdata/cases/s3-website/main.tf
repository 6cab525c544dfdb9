variable "blocked" {}

resource "aws_s3_bucket" "open" {
  bucket = "open-site"
}

resource "aws_s3_bucket_website_configuration" "open" {
  bucket = aws_s3_bucket.open.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_public_access_block" "open" {
  bucket                  = aws_s3_bucket.open.id
  block_public_acls       = false
  ignore_public_acls      = false
  block_public_policy     = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_policy" "open" {
  bucket = aws_s3_bucket.open.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.open.arn}/*"
    }]
  })
}

resource "aws_s3_bucket" "office" {
  bucket = "office-site"
}

resource "aws_s3_bucket_website_configuration" "office" {
  bucket = aws_s3_bucket.office.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_public_access_block" "office" {
  bucket                  = aws_s3_bucket.office.id
  block_public_acls       = false
  ignore_public_acls      = false
  block_public_policy     = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_policy" "office" {
  bucket = aws_s3_bucket.office.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.office.arn}/*"
      Condition = { IpAddress = { "aws:SourceIp" = ["198.51.100.0/24"] } }
    }]
  })
}

resource "aws_s3_bucket" "unwritten" {
  bucket = "unwritten-site"
}

resource "aws_s3_bucket_website_configuration" "unwritten" {
  bucket = aws_s3_bucket.unwritten.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_policy" "unwritten" {
  bucket = aws_s3_bucket.unwritten.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.unwritten.arn}/*"
    }]
  })
}

resource "aws_s3_bucket" "blocked" {
  bucket = "blocked-site"
}

resource "aws_s3_bucket_website_configuration" "blocked" {
  bucket = aws_s3_bucket.blocked.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_public_access_block" "blocked" {
  bucket                  = aws_s3_bucket.blocked.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "blocked" {
  bucket = aws_s3_bucket.blocked.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.blocked.arn}/*"
    }]
  })
}

resource "aws_s3_bucket" "writers" {
  bucket = "writers-site"
}

resource "aws_s3_bucket_website_configuration" "writers" {
  bucket = aws_s3_bucket.writers.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_public_access_block" "writers" {
  bucket                  = aws_s3_bucket.writers.id
  block_public_acls       = false
  ignore_public_acls      = false
  block_public_policy     = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_policy" "writers" {
  bucket = aws_s3_bucket.writers.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.writers.arn}/*"
    }]
  })
}

resource "aws_s3_bucket" "acl" {
  bucket = "acl-site"
}

resource "aws_s3_bucket_website_configuration" "acl" {
  bucket = aws_s3_bucket.acl.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_public_access_block" "acl" {
  bucket                  = aws_s3_bucket.acl.id
  block_public_acls       = false
  ignore_public_acls      = false
  block_public_policy     = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_acl" "acl" {
  bucket = aws_s3_bucket.acl.id
  acl    = "public-read"
}

resource "aws_s3_bucket_ownership_controls" "acl" {
  bucket = aws_s3_bucket.acl.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket" "unsure" {
  bucket = "unsure-site"
}

resource "aws_s3_bucket_website_configuration" "unsure" {
  bucket = aws_s3_bucket.unsure.id
  index_document {
    suffix = "index.html"
  }
}

resource "aws_s3_bucket_public_access_block" "unsure" {
  bucket                  = aws_s3_bucket.unsure.id
  block_public_acls       = var.blocked
  ignore_public_acls      = var.blocked
  block_public_policy     = var.blocked
  restrict_public_buckets = var.blocked
}

resource "aws_s3_bucket_policy" "unsure" {
  bucket = aws_s3_bucket.unsure.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.unsure.arn}/*"
    }]
  })
}

resource "aws_s3_bucket" "plain" {
  bucket = "plain"
  acl    = "public-read"
}
