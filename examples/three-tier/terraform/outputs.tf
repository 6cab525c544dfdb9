output "address" {
  description = "Name of the public load balancer"
  value       = aws_lb.public.dns_name
}
