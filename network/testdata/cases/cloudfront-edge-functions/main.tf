resource "aws_s3_bucket" "site" {
  bucket = "site"
}

resource "aws_lambda_function" "login" {
  function_name = "login"
  role          = "arn:aws:iam::123456789012:role/edge"
  runtime       = "nodejs22.x"
  handler       = "index.handler"
  filename      = "login.zip"
  publish       = true
}

resource "aws_lambda_function" "headers" {
  function_name = "headers"
  role          = "arn:aws:iam::123456789012:role/edge"
  runtime       = "nodejs22.x"
  handler       = "index.handler"
  filename      = "headers.zip"
  publish       = true
}

resource "aws_lambda_function" "idle" {
  function_name = "idle"
  role          = "arn:aws:iam::123456789012:role/edge"
  runtime       = "nodejs22.x"
  handler       = "index.handler"
  filename      = "idle.zip"
}

resource "aws_cloudfront_distribution" "site" {
  enabled = true

  origin {
    domain_name = aws_s3_bucket.site.bucket_regional_domain_name
    origin_id   = "site"
  }

  default_cache_behavior {
    target_origin_id       = "site"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]

    lambda_function_association {
      event_type = "viewer-request"
      lambda_arn = aws_lambda_function.login.qualified_arn
    }
    lambda_function_association {
      event_type = "origin-response"
      lambda_arn = "${aws_lambda_function.headers.arn}:${aws_lambda_function.headers.version}"
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    cloudfront_default_certificate = true
  }
}
